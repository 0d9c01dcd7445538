"""Valid bodies, mutilated by the thousand from one seed: never a 5xx, never leave to go on."""

import json
import re
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as some

EXAMPLES = 250
SEEDED = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
PATHS = (
    "/v1/checkins",
    "/mcp",
    "/v1/tools/sync_state",
    "/v1/tools/update_agent_metadata",
    "/v1/tools/outcome_event",
)
DESCRIBE = {"purpose": "to draw", "tags": ["a", "b"], "preferences": {"born": 1, "deep": {"x": []}}}
OUTCOME = {"outcome_type": "drawing", "outcome_score": 0.5, "is_bad": False, "detail": {"n": 1}}
NASTY: tuple[Any, ...] = (
    None, True, False, 0, -1, 2**31, 2**63, 2**64, -(2**63) - 1, 10**400, 1e308, -1e-308, 1.5,
    "", "0.4", "x" * 300, "x" * 5_000, "null", "__proto__", "../../etc/passwd", "' OR 1=1 --",
    "$(id)", "%s%n", "\x00", "\ud800", "\u202e", "🜁", "\n", [], {}, [[]], [None], {"": {}},
    {"$ref": "#"}, ["x"] * 100, {"anima": {}}, [0.4] * 3,
)  # fmt: skip
RAW = ("NaN", "Infinity", "-Infinity", "1e999", "0x10", "01", "1.", "'a'", "undefined", "[1,]", "")
MARK = "a mark of this test"


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value, the whole included."""
    if not isinstance(value, dict | list):
        return [path]
    items = value.items() if isinstance(value, dict) else enumerate(value)
    return [path, *(found for key, each in items for found in places(each, (*path, key)))]


def changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """The same with another value in one place."""
    if not path:
        return new
    first, *rest = path
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[first] = changed(copy[first], tuple(rest), new)
    return copy


def without(value: Any, path: tuple[Any, ...]) -> Any:
    """The same with one place left out."""
    if len(path) == 1:
        if isinstance(value, dict):
            return {key: each for key, each in value.items() if key != path[0]}
        return [each for place, each in enumerate(value) if place != path[0]]
    return changed(value, path[:1], without(value[path[0]], path[1:])) if path else value


@some.composite
def values(draw: Any, valid: Any) -> Any:
    """A valid value after up to two blows on its meaning."""
    value = valid
    for _ in range(draw(some.integers(0, 2))):
        path = draw(some.sampled_from(places(value)))
        blow = draw(some.sampled_from(["put", "drop", "add", "nest"]))
        if blow == "put":
            value = changed(value, path, draw(some.sampled_from(NASTY)))
        elif blow == "drop":
            value = without(value, path)
        elif blow == "nest":
            inner = draw(some.sampled_from(NASTY))
            for _ in range(draw(some.integers(1, 20))):
                inner = [inner]
            value = changed(value, path, inner)
        elif isinstance(value, dict):
            value = {**value, draw(some.text(max_size=8)): draw(some.sampled_from(NASTY))}
    return value


@some.composite
def bodies(draw: Any, valid: Any) -> bytes:
    """Such a value as JSON, after one more blow on its text or its bytes, or none."""
    value = draw(values(valid))
    text = json.dumps(value)
    blow = draw(some.sampled_from(["none", "raw", "twice", "cut", "bytes", "coded"]))
    if blow == "raw":
        marked = json.dumps(changed(value, draw(some.sampled_from(places(value))), MARK))
        text = marked.replace(json.dumps(MARK), draw(some.sampled_from(RAW)))
    elif blow == "twice":
        text = re.sub(r'("\w+": [\d.]+)', r"\1, \1", text, count=draw(some.integers(1, 3)))
    elif blow == "coded":
        return text.encode(draw(some.sampled_from(["utf-8-sig", "utf-16", "utf-32-be", "utf-7"])))
    body = text.encode()
    at = draw(some.integers(0, len(body)))
    if blow == "cut":
        return body[:at]
    if blow == "bytes":
        return body[:at] + draw(some.binary(min_size=1, max_size=4)) + body[at + 1 :]
    return body


def _valid(strangers, path: str) -> Any:
    if path.endswith("update_agent_metadata"):
        return DESCRIBE
    if path.endswith("outcome_event"):
        return OUTCOME
    if path == "/v1/checkins":
        pi = {"outbox_depth": 0, "schema_version": 4}
        told = {"contract": 2, "recorded_at": "2026-02-20T12:00:00+00:00", "pi": pi}
        return {**strangers.CALM, **told}
    return json.loads(strangers.VALID[path])


@pytest.mark.parametrize("path", PATHS)
def test_no_body_is_a_fault_of_ours(governance, door, strangers, path):
    """Each is answered in JSON; what is refused leaves no row, what is taken leaves one."""
    seen: Counter[str] = Counter()
    states = "SELECT count(*) FROM core.agent_state"
    [(before,)] = governance.rows(states)

    @SEEDED
    @given(bodies(_valid(strangers, path)))
    def ask(body: bytes) -> None:
        status, said = door.post(path, body)
        assert status < 500, (body, said)
        if not said:
            assert status == 202, (body, status)  # a notification has no answer
            return
        told = strangers.verdict_of(path, status, said)
        seen[str(status)] += 1
        if told is not None and "action" in told and not told["repeated"]:
            seen["rows"] += 1

    ask()

    assert governance.rows(states) == [(before + seen["rows"],)]
    assert len(seen) > 2, seen  # some were taken, some were not
    status, said = door.post("/v1/checkins", strangers.VALID["/v1/checkins"])
    assert strangers.verdict_of("/v1/checkins", status, said)["action"] == "proceed"


@pytest.mark.parametrize("path", ["/v1/checkins", "/v1/tools/sync_state"])
def test_every_wrong_value_in_every_place(governance, door, strangers, path):
    """One at a time: chance would take long to try them all."""
    valid = _valid(strangers, path)
    seen: Counter[int] = Counter()
    states = "SELECT count(*) FROM core.agent_state"
    [(before,)] = governance.rows(states)
    for place in places(valid):
        for nasty in NASTY:
            body = json.dumps(changed(valid, place, nasty)).encode()
            status, said = door.post(path, body)
            told = strangers.verdict_of(path, status, said)
            seen[status] += 1
            assert (told is None) is (status != 200), (place, nasty)

    assert governance.rows(states) == [(before + seen[200],)]
    assert seen[200]  # what may be null, and texts that may be any
    assert seen[422] > 500
