"""Files of disputes: the 28 real ones and some that are worse, taken apart and put together."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from apps.bridge.refusals import Conflict, Forbidden
from apps.governance.dialectic import rules
from apps.governance.dialectic.transcript import alike, put_together, take_apart
from schemas.errors import Refused
from schemas.governance.dialectic import Phase, SessionKind, Standing, Step

SHARED = next(p / "shared" for p in Path(__file__).parents if (p / "shared/data").is_dir())
REAL = sorted((SHARED / "data/dialectic_sessions").glob("*.json"))
needs_real = pytest.mark.skipif(not REAL, reason="the real sessions are not here")
BARE = {
    "session_id": "s-1", "paused_agent_id": "lumen", "reviewer_agent_id": "ember",
    "phase": "thesis", "synthesis_round": 0, "transcript": [], "resolution": None,
    "created_at": "2025-12-08T01:04:49.443990",
}  # fmt: skip
WORD = {"phase": "thesis", "agent_id": "lumen", "timestamp": "2025-12-08T01:05:00"}


def back(document):
    """The file of what was made of a file, by way of what a database would give back."""
    parts = take_apart(document)
    return put_together(parts.session, parts.messages)


@needs_real
def test_there_are_twenty_eight_real_sessions():
    """Fewer would prove less."""
    assert len(REAL) == 28


@needs_real
@pytest.mark.parametrize("path", REAL, ids=lambda path: path.stem)
def test_a_real_session_comes_back_as_it_was(path):
    """Each field, each kind, keys that only it has, keys that it has not."""
    document = json.loads(path.read_text())
    assert json.dumps(back(document), sort_keys=True) == json.dumps(document, sort_keys=True)


@needs_real
def test_the_columns_hold_what_was_said():
    """Not the leftovers: of 55 messages two have one, a 1 that means true."""
    beside = []
    for path in REAL:
        document = json.loads(path.read_text())
        parts = take_apart(document)
        for message, said in zip(parts.messages, document["transcript"], strict=True):
            beside += [message["imported_json"]["said"]] if message["imported_json"]["said"] else []
            assert message["reasoning"] == said["reasoning"]
            assert message["concerns"] == said["concerns"]
            assert message["proposed_conditions"] == said["proposed_conditions"]
        left = set(parts.session["imported_json"]["said"])
        assert left <= {"discovery_id", "status", "_original_resolution"}
    assert beside == [{"agrees": 1}] * 2


@pytest.mark.parametrize(
    "more",
    [
        {"transcript": [WORD | {"agrees": None, "mood": {"deep": [1, 1.0, True]}}]},
        {"transcript": [WORD | {"reasoning": 7, "concerns": "none", "observed_metrics": []}]},
        {"transcript": [WORD | {"timestamp": "2025-12-08T01:05:00.5+02:00", "agrees": "yes"}]},
        {"phase": "negotiation", "session_type": "brawl", "status": ["odd"], "topic": 3},
        {"synthesis_round": 2**40, "resolution": "none", "paused_agent_state": [], "": None},
        {"reviewer_agent_id": None, "imported_json": {"said": {}}, "created_at": "2025-12-08"},
    ],
)
def test_what_no_column_can_say_comes_back_too(more):
    """Unknown words, other kinds, more keys, instants written in another way."""
    assert alike(back(BARE | more), BARE | more)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"session_id": ""}, "session_id: is not 1 to 200"),
        ({"paused_agent_id": 3}, "paused_agent_id: is not 1 to 200"),
        ({"created_at": "once"}, "created_at: is not an instant"),
        ({"transcript": {}}, "transcript: is not a list"),
        ({"transcript": [[]]}, "transcript: is not a list of objects"),
        ({"transcript": [WORD | {"phase": "antidote"}]}, "transcript/0/phase: is none of thesis"),
        ({"transcript": [WORD | {"timestamp": None}]}, "transcript/0/timestamp: is not an instant"),
    ],
)
def test_without_what_makes_it_a_dispute_it_is_refused(more, why):
    """The path is said first."""
    with pytest.raises(Refused, match=why):
        take_apart(BARE | more)


def test_true_is_not_one():
    """Python takes them for the same, JSON does not."""
    assert not alike({"a": [1]}, {"a": [True]})
    assert not alike({"a": 1}, {"a": 1.0})
    assert alike({"a": 1, "b": 2}, {"b": 2, "a": 1})


def replayed(document) -> tuple[rules.Dispute, int]:
    """The messages of a file, said once more under our rules; and how many were refused."""
    opened = datetime.fromisoformat(document["created_at"]).replace(tzinfo=UTC)
    kind = SessionKind(document.get("session_type") or "recovery")
    made = rules.Dispute(
        document["session_id"], kind, Phase.THESIS, Standing.ACTIVE,
        document["paused_agent_id"], document["reviewer_agent_id"], opened,
        rules.first_deadline(kind, opened), rules.limits(kind).rounds,
    )  # fmt: skip
    refused = 0
    for said in document["transcript"]:
        at = datetime.fromisoformat(said["timestamp"]).replace(tzinfo=UTC)
        word = rules.Word(
            said["agent_id"], Step(said["phase"]), at, said["root_cause"],
            tuple(said["proposed_conditions"] or ()), said["reasoning"], said["observed_metrics"],
            tuple(said["concerns"] or ()), None if said["agrees"] is None else bool(said["agrees"]),
        )  # fmt: skip
        after = rules.expired(made) if rules.overdue(made, at) else None
        try:
            if after is None:
                rules.check(made, word)
                word = rules.signed(made, word)
                after = rules.move(made, word)
                made = made._replace(words=(*made.words, word))
        except (Conflict, Forbidden):
            refused += 1
            continue
        made = made._replace(
            phase=after.phase, standing=after.standing, deadline_at=after.deadline_at
        )
    return made, refused


@needs_real
def test_the_real_sessions_replay_under_our_rules():
    """What was agreed on is agreed on here, what timed out times out, a mere wording ends.

    Refused is only what came after the end: a third yes, and four rounds about a wording.
    """
    stands, refused = {}, {}
    for path in REAL:
        document = json.loads(path.read_text())
        made, refused[path.stem] = replayed(document)
        stands[path.stem] = (document["phase"], made.phase.value)
    assert {name: pair for name, pair in stands.items() if pair[0] != pair[1]} == {
        "6e30cecbf75a266b": ("synthesis", "resolved")
    }
    assert {name: count for name, count in refused.items() if count} == {
        "5f9a59d4fee65b36": 1,
        "6e30cecbf75a266b": 3,
    }
