"""What a batch becomes, given how its agents stand. No database."""

from datetime import UTC, datetime, timedelta

from apps.bridge.refusals import Conflict
from apps.governance.batch import Batch
from apps.governance.report import Report, report, state_json
from apps.governance.verdict import Thresholds, judge
from schemas.bridge import Action, CheckIn, Margin, Verdict
from schemas.eisv import Anima, GovernanceEisv

NOW = datetime(2026, 2, 20, 12, tzinfo=UTC)
CALM = {"warmth": 0.4, "clarity": 0.8, "stability": 0.9, "presence": 0.9}
NOTHING = (None,) * 11
FIRST = (None,) * 9


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


def test_a_late_row_steps_from_what_was_before_it():
    """And the rows after it stay as they are."""
    batch = judged(said(2, 5, warmth=0.9), said(1, 0))

    assert batch.outcomes[1].eisv == judged(said(1, 0)).outcomes[0].eisv
    assert len(batch.rows) == 2


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
    before = (NOW - timedelta(minutes=1), 0.6, 0.7, 0.3, 0.1, 0.4, 0.8, 0.9, 0.9)
    state = GovernanceEisv(E=0.6, I=0.7, S=0.3, V=0.1)
    made = judge(state, Anima(**CALM), Anima(**CALM), None, Thresholds())

    assert judged(said(1), before=before).outcomes[0].eisv == made.eisv


def test_a_clock_that_runs_ahead_does_not_outrank():
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

    assert state_json(message) == {
        "drawing_eisv": drawing,
        "environment": {"cpu_temp_c": 53.0},
        "pi": {"outbox_depth": 3},
    }
