"""What a batch becomes, given how its agents stand. No database."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from apps.bridge.refusals import Conflict
from apps.governance.batch import Batch
from apps.governance.report import Report, report, state_json
from apps.governance.verdict import Thresholds, judge
from schemas.bridge import Action, CheckIn, Margin, Verdict
from schemas.eisv import Anima, GovernanceEisv

NOW = datetime(2026, 2, 20, 12, tzinfo=UTC)
CALM = {"warmth": 0.4, "clarity": 0.8, "stability": 0.9, "presence": 0.9}
NOTHING = (None,) * 12
FIRST = (False, False) + (None,) * 11


def said(seq: int = 0, minutes: float = 0, agent: str = "lumen", **more: object) -> Report:
    """A keyed check-in."""
    message = {
        "anima": {**CALM, **more}, "boot_id": "boot-0001", "seq": seq,
        "recorded_at": (NOW + timedelta(minutes=minutes)).isoformat(),
    }  # fmt: skip
    return report(agent, CheckIn.model_validate(message), NOW + timedelta(days=1))


def judged(*reports: Report, status: str = "active", before: tuple = FIRST) -> Batch:
    """A batch of one agent that stands as told."""
    batch = Batch(list(reports), Thresholds())
    batch.judge([(n, 7, status, *NOTHING, *before) for n in range(len(reports))])
    return batch


def test_each_check_in_steps_from_the_one_before_it():
    """Also inside one batch."""
    batch = judged(said(1, 0), said(2, 1))
    alone = judge(batch.outcomes[0].eisv, Anima(**CALM), Anima(**CALM), None, Thresholds())

    assert batch.outcomes[1].eisv == alone.eisv


def test_agents_do_not_mix_in_a_batch():
    """Each has its own state."""
    batch = judged(said(1, agent="a"), said(1, agent="b"))

    assert batch.outcomes[0].eisv == batch.outcomes[1].eisv


def test_a_clock_that_jumps_back_does_not_matter():
    """A Pi without a clock wakes in 1970; its check-ins still step from the one before."""
    steady = judged(*(said(seq, seq) for seq in range(1, 30)))
    jumping = judged(*(said(seq, seq if seq < 10 else -9_000_000) for seq in range(1, 30)))

    assert [out.eisv for out in jumping.outcomes] == [out.eisv for out in steady.outcomes]
    assert not any(row["late"] for row in jumping.rows)


def test_a_late_row_is_stored_and_not_stepped_from():
    """A lower seq after a higher one of the same boot; the next steps as if it had not been."""
    batch = judged(said(2), said(1, warmth=0.0), said(3))
    without = judged(said(2), said(3))

    assert [row["late"] for row in batch.rows] == [False, True, False]
    assert [row["place"] for row in batch.rows] == [0, 1, 2]
    assert batch.outcomes[2].eisv == without.outcomes[1].eisv


def test_a_new_boot_is_newer_whatever_its_seq():
    """The outbox may have begun anew."""
    other = said(0)._replace(boot_id="boot-0002")
    batch = judged(said(9), other)

    assert [row["late"] for row in batch.rows] == [False, False]


OLD, NEW = "boot-0001", "boot-0002"


def newest(boot: str, seq: int, minutes: float = 0, *, heard: bool) -> tuple:
    """How an agent stands whose newest state is this one."""
    state = (0.6, 0.7, 0.3, 0.1, 0.4, 0.8, 0.9, 0.9)
    return (False, heard, *state, boot, seq, NOW + timedelta(minutes=minutes))


@pytest.mark.parametrize(
    ("stands", "sent", "late"),
    [
        (newest(NEW, 1, heard=True), said(50, -5), True),
        (newest(NEW, 1, heard=True), said(50, 5), False),
        (newest(NEW, 60, heard=False), said(50, -5), True),
        (newest(NEW, 50, heard=False), said(50, -5), True),
        (newest(NEW, 40, heard=False), said(50, -9_000_000), False),
        (newest(NEW, 60, heard=False), said(50, 5), False),
        (newest(OLD, 40, heard=True), said(50, -9_000_000), False),
        (newest("unkeyed-1", 0, heard=True), said(50, -5), False),
        (newest(NEW, 1, heard=True), said(0, -5)._replace(is_keyed=False), False),
        (FIRST, said(50, -5), False),
    ],
    ids=[
        "backlog of a boot that was heard",
        "two processes take turns",
        "backlog of a boot that was never heard",
        "the seqs cannot tell",
        "a new boot whose clock is behind",
        "a new boot that counts anew",
        "the clock of a boot was set back",
        "the newest had no key",
        "it has no key",
        "the first of all",
    ],
)
def test_what_both_clock_and_order_call_older_is_late(stands, sent, late):
    """Across boots neither is believed alone: a clock jumps, and an outbox may begin anew."""
    batch = judged(sent, before=stands)

    assert [row["late"] for row in batch.rows] == [late]
    assert batch.outcomes[0].late is late


def test_a_backlog_after_a_newer_boot_is_late_inside_a_batch():
    """As if each had come alone; the newer boot goes on from itself."""
    of_new = [said(seq, minutes)._replace(boot_id=NEW) for seq, minutes in ((1, 9), (2, 10))]
    batch = judged(said(7, 1), of_new[0], said(8, 2), said(9, 3), of_new[1])
    without = judged(said(7, 1), *of_new)

    assert [row["late"] for row in batch.rows] == [False, False, True, True, False]
    assert batch.outcomes[4].eisv == without.outcomes[2].eisv


def test_a_repeat_to_a_held_agent_is_a_pause():
    """The stored verdict was of another moment; the hold is of this one."""
    stored = (
        said(1).body_sha256,
        0.6,
        0.7,
        0.3,
        0.1,
        0.5,
        0.2,
        "proceed",
        "tight",
        "void",
        "ok",
        False,
    )
    batch = Batch([said(1)], Thresholds())
    batch.judge([(0, 7, "paused", *stored, *FIRST)])
    [answer] = batch.outcomes

    assert (answer.action, answer.margin, answer.repeated) == (Action.PAUSE, Margin.CRITICAL, True)
    assert "paused" in answer.reason
    assert batch.rows == []


def test_a_session_belongs_to_who_named_it_first():
    """Also inside one batch."""
    one, two = (said(1, agent=agent)._replace(session_id="s-1") for agent in ("lumen", "ember"))

    assert judged(one, two).sessions == {"s-1": "lumen"}


def test_a_repeat_inside_a_batch_writes_nothing():
    """One row, one event, the same answer marked as repeated."""
    batch = judged(said(1), said(1))
    first, second = batch.outcomes

    assert len(batch.rows) == len(batch.events) == 1
    assert isinstance(second, Verdict)
    assert second.repeated
    assert second.model_copy(update={"repeated": False}) == first


def test_another_body_under_the_same_key_is_a_conflict():
    """Both hashes are said and audited."""
    one, other = said(1), said(1, warmth=0.5)
    batch = judged(one, other)
    conflict = batch.outcomes[1]

    assert isinstance(conflict, Conflict)
    assert one.body_sha256.hex() in conflict.message
    assert other.body_sha256.hex() in conflict.message
    assert batch.events[1]["event_type"] == "check_in_conflict"
    assert len(batch.rows) == 1


def test_a_held_agent_is_paused():
    """Whatever its numbers say; its row is kept all the same."""
    for status in ("paused", "archived", "disabled", "deleted"):
        batch = judged(said(1), status=status)
        assert (batch.outcomes[0].action, batch.outcomes[0].margin) == (
            Action.PAUSE,
            Margin.CRITICAL,
        )
        assert status in batch.outcomes[0].reason
        assert batch.rows[0]["action"] == Action.PAUSE


def test_the_stored_state_before_is_stepped_from():
    """As the query gives it."""
    before = (False, True, 0.6, 0.7, 0.3, 0.1, 0.4, 0.8, 0.9, 0.9, "boot-0001", 0, NOW)
    state = GovernanceEisv(E=0.6, I=0.7, S=0.3, V=0.1)
    made = judge(state, Anima(**CALM), Anima(**CALM), None, Thresholds())

    assert judged(said(1), before=before).outcomes[0].eisv == made.eisv


def test_a_clock_that_runs_ahead_is_cut_back():
    """recorded_at is never after received_at."""
    message = CheckIn(anima=Anima(**CALM), recorded_at=NOW + timedelta(days=400))

    assert report("lumen", message, NOW).recorded_at == NOW


def test_unkeyed_check_ins_never_repeat():
    """The real client sends no key and never retries."""
    message = CheckIn(anima=Anima(**CALM))

    assert report("a", message, NOW).key != report("a", message, NOW).key


def test_spacing_is_not_another_body():
    """The hash is of what was said, not of how it was written."""
    one = CheckIn.model_validate_json(
        '{"anima":{"warmth":1,"clarity":1,"stability":1,"presence":1}}'
    )
    two = CheckIn.model_validate_json(
        '{"anima": {"presence": 1.0, "stability": 1, "clarity": 1, "warmth": 1.0}}'
    )

    assert report("a", one, NOW).body_sha256 == report("a", two, NOW).body_sha256


def test_state_json_holds_only_what_was_sent():
    """No key is invented, none is lost."""
    drawing = {"E": 0.7, "I": 0.2, "S": 0.5, "V": -0.1, "C": 0.47, "marks": 142}
    message = CheckIn.model_validate({
        "anima": CALM, "sensor_data": {"cpu_temp_c": 53.0, "drawing_eisv": drawing},
        "pi": {"outbox_depth": 3},
    })  # fmt: skip

    assert state_json(json.loads(message.told())) == {
        "drawing_eisv": drawing,
        "environment": {"cpu_temp_c": 53.0},
        "pi": {"outbox_depth": 3},
    }


def stored(said: Report, first) -> tuple:
    """How a check-in stands that a lost connection had committed."""
    eisv = (first.eisv.E, first.eisv.I, first.eisv.S, first.eisv.V)
    known = (*eisv, first.coherence, first.risk_score, first.action, first.margin)
    return (said.body_sha256, *known, first.nearest_edge, first.reason, False, False)


def test_what_a_lost_connection_committed_is_told_once():
    """The row is there and no line tells of it; a true repeat is not told of again."""
    heard = said(1)
    (first,) = judged(heard).outcomes
    rows = [(0, 7, "active", *stored(heard, first), True, *(None,) * 11, 41)]
    told, repeat = (
        Batch([heard], Thresholds(), unsure) for unsure in ({heard.key, "lumen"}, set())
    )
    for batch in (told, repeat):
        batch.judge(rows)
        assert batch.outcomes[0].repeated

    kinds = [each["event_type"] for each in told.events]
    assert kinds == ["identity_created", "check_in"]
    assert told.events[1]["payload"]["state_id"] == 41
    assert told.events[1]["payload"]["risk"] == first.risk_score
    assert repeat.events == []
    assert judged(heard).written == {heard.key}


def test_a_row_is_told_of_under_its_number():
    """In the order of the rows."""
    batch = judged(said(1), said(2), said(3))
    batch.number([5, 6, 9])

    assert [each["payload"]["state_id"] for each in batch.events] == [5, 6, 9]


def test_a_hold_says_what_holds_as_far_as_is_known():
    """A status alone does not tell an operator's pause from a dialectic's."""
    paused, archived = (judged(said(1), status=status) for status in ("paused", "archived"))

    assert paused.outcomes[0].reason == (
        "The agent is paused: an operator, or what its last dialectic came to, holds it"
    )
    assert archived.outcomes[0].reason == ("The agent is archived: only an operator brings it back")
