"""Older shapes become the newest; words become commands; a slot is for ever the same."""

from collections import Counter

import pytest

from apps.soulfra.slots import slot_of
from apps.soulfra.upcast import UPCASTS, newest
from apps.soulfra.words import command
from schemas.errors import Diverged, Refused
from schemas.soulfra import commands as c
from schemas.soulfra.events import NEWEST, Happened, ToneShifted
from schemas.soulfra.log import EventType
from schemas.soulfra.words import SLOTS


def test_every_type_has_a_shape():
    """And each shape one type."""
    assert set(NEWEST) == set(EventType)
    assert len(NEWEST) == len(Happened.__subclasses__())


def test_a_step_leads_on_from_every_older_shape():
    """apps/soulfra/upcast.py: in SQL, too, where nobody would be told that one is missing."""
    older = {(of, n) for of, model in NEWEST.items() for n in range(1, model.schema_version)}
    assert set(UPCASTS) == older


def test_an_older_shape_is_led_to_the_newest(monkeypatch):
    """Step by step; what no step leads on from is named."""
    monkeypatch.setattr(ToneShifted, "schema_version", 3)
    steps = {
        (EventType.TONE_SHIFTED, 1): lambda old: {"before": old["from"], "to": old["to"]},
        (EventType.TONE_SHIFTED, 2): lambda old: {"before": old["before"], "after": old["to"]},
    }
    first = newest(EventType.TONE_SHIFTED, 1, {"from": "joy", "to": "grief"}, steps)

    assert first == ToneShifted(before="joy", after="grief")
    assert newest(EventType.TONE_SHIFTED, 2, {"before": "joy", "to": "grief"}, steps) == first
    with pytest.raises(Diverged, match="nothing leads from schema_version 1 to 2"):
        newest(EventType.TONE_SHIFTED, 1, {}, {})


@pytest.mark.parametrize(
    ("schema_version", "data", "said"),
    [
        (9, {}, "schema_version 9 is newer than 1"),
        (1, {"before": "joy"}, "event tone_shifted: after: Field required"),
        (1, {"before": "joy", "after": "x"}, "event tone_shifted: after: "),
        (1, {"before": "joy", "after": "grief", "more": 1}, "event tone_shifted: more: "),
    ],
)
def test_an_event_that_is_not_as_declared_is_named(schema_version, data, said):
    """Diverged: the log is not what this release knows."""
    with pytest.raises(Diverged, match=said):
        newest(EventType.TONE_SHIFTED, schema_version, data)


def test_words_make_a_command():
    """As a person types them."""
    assert command("vote", ["voting_id=v", "agent_id=a", "approves=yes"]) == c.CastVote(
        voting_id="v", agent_id="a", approves=True
    )
    made = command("prophesy", ["agent_id=a", "text=a=b c", "loops=x,y"])
    assert (made.text, made.loops) == ("a=b c", ("x", "y"))
    made = command("measure-loop", ["loop_id=a", "consciousness=depth:0.5,hope:1"])
    assert made.consciousness == {"depth": 0.5, "hope": 1.0}


@pytest.mark.parametrize(
    ("name", "words", "said"),
    [
        ("wisper", [], "no command 'wisper'\n  hint: did you mean 'whisper'?"),
        ("zzz", [], "no command 'zzz'\n  hint: commands are register-user, "),
        ("whisper", ["agent_id=a"], "whisper/text: is missing\n  hint: whisper [loop_id=] agent_"),
        ("whisper", ["rain"], "whisper: 'rain': is no key=value"),
        ("whisper", ["text=a", "text=b"], "whisper: 'text=b': given twice"),
        ("whisper", ["agent_id=a", "text=a", "foo=1"], "whisper/foo: unknown key"),
        ("whisper", ["agent_id=a:b", "text=a"], "whisper/agent_id: string should match"),
        ("whisper", ["agent_id=a", "text=a", "tone=odd"], "whisper/tone: input should be"),
        ("open-voting", ["loop_id=a", "agent_id=a", "threshold=nan"], "open-voting/threshold: "),
        ("open-voting", ["loop_id=a", "agent_id=a", "quorum=0"], "open-voting/quorum: "),
        ("register-user", ["username=a", "email=a"], "register-user/email: "),
        ("measure-loop", ["loop_id=a", "consciousness=depth"], "measure-loop/consciousness/depth"),
    ],
)
def test_what_is_wrong_with_words_is_said(name, words, said):
    """Where, what, and how it is written."""
    with pytest.raises(Refused) as refused:
        command(name, words)
    assert str(refused.value).startswith(said)


def test_a_slot_is_for_ever_and_they_fill_alike():
    """Golden: another hash would look for agents where they are not."""
    assert [slot_of(name) for name in ("oracle", "agent_001", "")] == [618, 1273, 3092]
    counted = Counter(slot_of(f"agent-{n}") for n in range(SLOTS * 25))

    assert set(counted) == set(range(SLOTS))
    assert max(counted.values()) < 60
