"""What `abode verify` makes of what it was told: blame where the fault is, and nowhere else."""

import gzip
import json
import subprocess
import sys
from datetime import UTC, datetime
from io import StringIO

import pytest
from rich.console import Console

from apps.bridge.body import read_check_in
from apps.governance.report import report
from apps.governance.trail.line import Tip, seal
from apps.ops.verify import (
    both_lines,
    command,
    follow,
    graph_line,
    mac_lines,
    on_mac,
    pi_lines,
    trail_lines,
)
from apps.ops.verify.asked import Key, Told
from apps.ops.verify.found import Found, settled
from apps.ops.verify.said import NEEDS, Mark, Verified
from schemas.errors import Refused

NOW = datetime(2026, 11, 29, 8, tzinfo=UTC)
WELL = dict.fromkeys(NEEDS, Found("well", {}))
HOSTS = dict.fromkeys(NEEDS, "mac")
MARK = Mark(agent="lumen", boot_id="boot-0001", seq=7, how="followed")


def verified(**wrong):
    """A house that is well but for what is said; underscores are dashes and dots."""
    found = WELL | {NAMED[name]: each for name, each in wrong.items()}
    return Verified(asked_at=NOW, lab=None, marks=[], lines=settled(found, "lumen", HOSTS))


NAMED = {name.replace("-", "_").replace(".", "_"): name for name in NEEDS}
WRONG = Found("", {}, "is wrong")
SILENT = Found("", {}, "no answer", silent=True)


def states(said):
    """The state of each line."""
    return {line.name: line.state for line in said.lines}


def test_a_house_that_is_well_ends_with_0():
    """Every line in the order of the way."""
    said = verified()

    assert [line.name for line in said.lines] == list(NEEDS)
    assert said.exit_code == 0


def test_what_rests_on_a_fault_is_not_blamed():
    """Postgres is away: what could only be read there was not asked, near or far."""
    said = verified(postgres=SILENT, governance=SILENT, core_agent_state=SILENT, verdict=WRONG)

    assert [line.name for line in said.lines if line.state == "not ok"] == ["postgres"]
    assert states(said)["verdict"] == "not asked"
    assert {line.says for line in said.lines if line.name == "governance"} == {"rests on postgres"}


def test_what_rests_on_a_fault_and_is_well_stays_ok():
    """It was asked, and answered."""
    assert states(verified(anima=WRONG))["drawing_history"] == "ok"


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"redis": SILENT}, 3),
        ({"redis": WRONG}, 4),
        ({"redis": SILENT, "core_agent_state": WRONG}, 4),
    ],
)
def test_silence_ends_with_3_and_what_is_wrong_with_4(wrong, code):
    """Whoever waits for a store to come back can tell."""
    assert verified(**wrong).exit_code == code


def test_a_line_that_was_not_asked_is_no_green():
    """Also if no line were red."""
    said = verified()
    lines = [*said.lines[:-1], said.lines[-1].model_copy(update={"state": "not asked"})]

    assert said.model_copy(update={"lines": lines}).exit_code == 4


def test_the_digest_is_the_one_that_governance_keeps():
    """Of the very bytes of the outbox."""
    body = json.dumps({
        "contract": 3, "agent": "lumen", "boot_id": "boot-0001", "seq": 7,
        "recorded_at": NOW.isoformat(), "monotonic_seconds": 5.0, "pi": {"outbox_depth": 2},
        "anima": {"warmth": 0.0, "clarity": 0.8, "stability": 0.9, "presence": 0.1},
    })  # fmt: skip
    said, told = read_check_in(body.encode())
    kept = report("lumen", said, NOW, told=told)
    mark = follow._mark(
        type("Pi", (), {"agent": "lumen"}),
        {"made": {"seq": 7, "body": body}, "condition": {"boot_id": "boot-0001"}}, 75, None,
    )  # fmt: skip

    assert mark.sha256 == kept.body_sha256.hex()


def pi(**more):
    """What a Pi says, whose check-in 7 arrived."""
    look = {"given": 7, "waiting": 0, "drawn": [9, NOW.isoformat()], "migration": "0012.x"}
    return {
        "now": NOW.isoformat(), "unit": "active", "age": 1.0,
        "condition": {"at": NOW.isoformat(), "boot_id": "boot-0001"},
        "before": look | {"given": 6}, "after": look, "made": {"seq": 7, "body": None},
        "fate": {"seq": 7, "given": True, "waits": None, "rejected": None},
    } | more  # fmt: skip


@pytest.mark.parametrize(
    ("said", "name", "why"),
    [
        (pi(unit="failed"), "anima", "the unit is failed"),
        (pi(age=16.0), "anima", "told its condition 16 s ago"),
        (pi(condition=None), "anima", "the unit is active and tells no condition"),
        (pi(after=pi()["after"] | {"drawn": None}), "drawing_history", "holds no step"),
        (
            pi(after=pi()["after"] | {"drawn": [9, "2026-11-29T07:00:00+00:00"]}),
            "drawing_history", "the newest step is 3600 s old",
        ),
        (
            pi(fate={"seq": 7, "given": True, "waits": [3, "HTTP 401"], "rejected": None}),
            "outbox", "7 still waits: HTTP 401",
        ),
        (
            pi(fate={"seq": 7, "given": True, "waits": None, "rejected": "no"}),
            "outbox", "7 was rejected: no",
        ),
        (
            pi(fate={"seq": 7, "given": False, "waits": None, "rejected": None}),
            "check-in", "7 was never made here",
        ),
    ],
)  # fmt: skip
def test_each_fault_of_the_pi_is_said(said, name, why):
    """In its own line."""
    found = pi_lines.of_pi(Told(said), MARK)

    assert found[name].wrong == why


def test_a_pi_that_draws_and_delivers_is_well():
    """All six lines."""
    found = pi_lines.of_pi(Told(pi()), MARK)

    assert {name: each.wrong for name, each in found.items()} == dict.fromkeys(pi_lines.NAMES)


@pytest.fixture
def trail(tmp_path):
    """A trail of three lines, the middle one the check-in; its current file and the lines."""
    tip, lines = Tip(), []
    for seq in (6, 7, 8):
        payload = {"boot_id": "boot-0001", "seq": seq, "sha256": f"{seq:064x}"}
        body = {"event_id": f"e{seq}", "recorded_at": NOW.isoformat(), "agent_id": "lumen",
                "event_type": "check_in", "payload": payload}  # fmt: skip
        line, tip = seal(json.dumps(body, separators=(",", ":")).encode(), tip)
        lines.append(line)
    path = tmp_path / "audit_log.jsonl"
    path.write_bytes(b"".join(lines))
    return path, lines


def found_in(path):
    """What is found in the container, as it is run there."""
    asked = json.dumps({"trail": str(path), "needle": '"boot_id":"boot-0001","seq":7,'})
    done = subprocess.run([sys.executable, "-I", on_mac.__file__, asked],
                          capture_output=True, text=True, check=True)  # fmt: skip
    return json.loads(done.stdout)


@pytest.mark.parametrize("is_packed", [False, True])
def test_the_line_is_found_with_the_one_before_it(trail, is_packed):
    """In the file of today, and in a day that is packed."""
    path, lines = trail
    if is_packed:
        packed = path.with_name("audit_log-2026-11-28.jsonl.gz")
        packed.write_bytes(gzip.compress(path.read_bytes()))
        path.write_bytes(b"")
    found = found_in(path)

    assert found["line"].encode() + b"\n" == lines[1]
    assert found["before"].encode() + b"\n" == lines[0]
    assert trail_lines.of_line(Told(found), None, f"{7:064x}").wrong is None


def test_a_line_that_was_changed_moved_or_is_of_another_is_seen(trail):
    """The hash, the chain and the body."""
    path, lines = trail
    found = found_in(path)

    def wrong(sha256=f"{7:064x}", **changed):
        return trail_lines.of_line(Told(found | changed), None, sha256).wrong

    assert wrong(line=found["line"].replace("lumen", "lumem")) == (
        "the line is not what its hash was made of"
    )
    assert wrong(before=lines[2].decode().rstrip()) == "line 2 does not follow the one before it"
    assert wrong(sha256="0" * 64) == "the line tells of another body"
    assert wrong(line=None) == "no line tells of the check-in"


def test_the_verdict_is_the_one_that_the_pi_goes_by():
    """To the letter; and governance's, not its own."""
    row = {"action": "proceed", "margin": "tight", "reason": "State healthy", "seq": 7}
    said = {"condition": row | {"decided_by": "governance"}}

    assert both_lines.verdict(said, row).wrong is None
    assert "reason" in both_lines.verdict(said, row | {"reason": "x"}).wrong
    alone = {"condition": row | {"decided_by": "itself"}}
    assert both_lines.verdict(alone, row).wrong == "the Pi decides by itself: State healthy"


def test_an_agent_that_its_rows_tie_must_be_in_the_graph():
    """Exactly once, and as they say."""
    who = {"status": "active", "created_at": NOW.isoformat(), "discoveries": 1, "spawned": 0,
           "ties": 0}  # fmt: skip
    vertex = {name: who[name] for name in ("status", "created_at", "discoveries", "spawned")}

    def wrong(*vertices, **more):
        rows = Told({"identity": who | more})
        return graph_line.of_graph(rows, Told(list(vertices)), Told(None, "away")).wrong

    assert wrong(vertex) is None
    assert wrong() == "holds 0 vertices of the agent, not one"
    assert wrong(discoveries=0) is None
    assert wrong(vertex, vertex) == "holds 2 vertices of the agent, not one"
    assert wrong(vertex, status="archived") == "says status 'active', its rows 'archived'"
    assert wrong(vertex, discoveries=2) == "says discoveries 1, its rows 2"


@pytest.mark.parametrize(("broken", "red"), [("graph", "governance_graph"), ("pool", "governance")])
def test_what_health_says_of_the_graph_is_the_graphs_line(broken, red):
    """All else that is an error is governance's."""
    checks = {name: {"status": "healthy", "detail": None} for name in ("graph", "pool")}
    checks[broken] = {"status": "error", "detail": "is broken"}
    health = Told({"status": "critical", "version": "1", "checks": checks})
    who = {"status": "active", "discoveries": 0, "spawned": 0, "ties": 0}
    found = {
        "governance": mac_lines._governance(health),
        "governance_graph": graph_line.of_graph(Told({"identity": who}), Told([]), health),
    }

    assert [name for name, each in found.items() if each.wrong] == [red]
    assert "is broken" in found[red].wrong


def test_a_mark_is_a_boot_and_a_number():
    """As verify says it."""
    assert command._key("boot-0001/7") == Key("boot-0001", 7)
    with pytest.raises(Refused, match="is no key of a check-in"):
        command._key("7")


def test_the_table_shows_what_is_wrong():
    """With the reason as it was told, brackets and all."""
    shown = StringIO()
    said = verified(redis=Found("", {}, "[errno 111] refused"))
    Console(file=shown, width=120).print(command.table(said))

    assert "not ok" in shown.getvalue()
    assert "[errno 111] refused" in shown.getvalue()
