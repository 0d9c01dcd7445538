"""Outcomes are kept beside the agent's state, and make the reliability curve."""

import asyncio
import json
import time

import pytest

from apps.bridge.refusals import Conflict, Forbidden

CALM = {"warmth": 0.4, "clarity": 0.8, "stability": 0.9, "presence": 0.9}
STATE = """
WITH who AS (INSERT INTO core.identities (agent_id) VALUES ('lumen') RETURNING identity_id)
INSERT INTO core.agent_state (
       identity_id, boot_id, seq, body_sha256, recorded_at, received_at, late, energy, integrity,
       entropy, void, coherence, regime, health, risk, action, margin, nearest_edge, reason,
       warmth, clarity, stability, presence, state_json)
SELECT identity_id, 'boot-0001', n, decode(repeat('00', 32), 'hex'), now(), now(), n = 3,
       0.7 + n / 100.0, 0.8, 0.2, 0, 0.5, 'DIVERGENCE', 'healthy', 0.3, 'proceed', 'tight',
       'risk', 'as the test wants it', 0.4, 0.8, 0.9 - n / 10.0, 0.9, '{}'
  FROM who, generate_series(1, 3) AS n
"""


def test_an_outcome_is_kept_beside_the_state_that_came_last(bureau):
    """EISV, Phi with its drift, verdict, session; a late state is not the last one."""

    async def story(room):
        room.rows(STATE)
        told = await room.call(
            "record_result", outcome_type="drawing", outcome_score=0.75, detail={"marks": 3}
        )
        return told, room.rows(
            "SELECT agent_id, session_id, outcome_type, outcome_score, is_bad, energy, integrity,"
            " entropy, void, coherence, regime, phi, verdict, detail, confidence"
            "  FROM audit.outcome_events"
        ), await room.events("payload", "outcome")  # fmt: skip

    told, [row], [(payload,)] = bureau(story)

    drift = 0.3
    phi = 0.5 * 0.72 - 0.5 * 0.2 - 0.5 * 0.2 - 0.5 * drift**2
    assert row[:11] == ("lumen", "session-1", "drawing", 0.75, False, 0.72, 0.8, 0.2, 0.0, 0.5,
                        "DIVERGENCE")  # fmt: skip
    assert row[11] == pytest.approx(phi)
    assert row[12:14] == ("caution", {"marks": 3})
    assert row[14] == pytest.approx(0.4 + 0.21 + 0.18)
    assert (told.verdict, told.is_bad, told.confidence) == ("caution", False, row[14])
    assert payload["outcome_id"] == str(told.outcome_id)


def test_an_agent_without_a_state_has_outcomes_too(bureau):
    """With nulls beside; whether it is bad follows from the score if it is not said."""

    async def story(room):
        bad = [
            (await room.call("outcome_event", "moth", outcome_type="test", **said)).is_bad
            for said in ({}, {"outcome_score": 0.49}, {"outcome_score": 0.5},
                         {"outcome_score": 0.9, "is_bad": True})
        ]  # fmt: skip
        return bad, room.rows("SELECT DISTINCT energy, phi, verdict, confidence"
                              "  FROM audit.outcome_events")  # fmt: skip

    assert bureau(story) == ([False, True, False, True], [(None, None, None, None)])


def test_the_curve_is_made_of_what_was_reported(bureau):
    """Fractions, edges of bins, all agents or one, a window of days, those without confidence."""

    async def story(room):
        for confidence, actual in ((0.85, 1), (0.8, 0.8), (0.89, 1), (1.0, 1), (0.9, 0), (0.0, 0)):
            await room.call("record_ground_truth", confidence=confidence, actual=actual)
        await room.call("outcome_event", "ember", outcome_type="test", is_bad=True,
                        confidence=0.1)  # fmt: skip
        await room.call("outcome_event", "ember", outcome_type="test", is_bad=False)
        room.rows("UPDATE audit.outcome_events SET recorded_at = recorded_at - interval '2 days'"
                  " WHERE confidence = 0.0")  # fmt: skip
        return (
            await room.call("get_calibration"),
            await room.call("get_calibration", about="ember"),
            await room.call("get_calibration", days=1),
        )

    everybody, ember, today = bureau(story)

    assert [(each.low, each.count) for each in everybody.bins] == [
        (0.0, 1), (0.1, 1), (0.8, 3), (0.9, 2),
    ]  # fmt: skip
    high = everybody.bins[2]
    assert (high.actual, high.predicted) == (pytest.approx(2.8), pytest.approx(2.54))
    assert high.rate_low < high.observed_rate < high.rate_high
    assert (everybody.count, everybody.unsure) == (7, 1)
    gaps = 1 * 0.0 + 1 * 0.1 + 3 * abs(2.8 - 2.54) / 3 + 2 * abs(0.5 - 0.95)
    assert everybody.expected_calibration_error == pytest.approx(gaps / 7)
    assert [(each.low, each.count) for each in ember.bins] == [(0.1, 1)]
    assert (ember.count, ember.unsure) == (1, 1)
    assert [each.low for each in today.bins] == [0.1, 0.8, 0.9]


def test_only_an_operator_tells_the_truth_about_others(bureau):
    """An agent reports its own."""

    async def story(room):
        said = {"confidence": 0.5, "actual": 1, "about": "ember"}
        with pytest.raises(Forbidden, match="'ember' is somebody else"):
            await room.call("record_ground_truth", "lumen", **said)
        await room.call("record_ground_truth", "ember", **said)
        await room.call("record_ground_truth", "op", **said)
        return room.rows("SELECT agent_id, outcome_type FROM audit.outcome_events")

    assert bureau(story) == [("ember", "ground_truth")] * 2


def test_the_living_server_measures_by_new_thresholds_without_a_restart(governance):
    """Set through the door, in the next verdict; and a change by hand within seconds."""

    def verdict():
        body = json.dumps({"agent": "lumen", "anima": CALM})
        return json.loads(governance.ask("POST", "/v1/checkins", body)[2])

    assert verdict()["action"] == "proceed"
    wrong, told = governance.call(
        "set_thresholds", {"expected_version": 1, "reason": "a test", "coherence_pause": 0.9},
        {"X-Agent-Id": "op"},
    )  # fmt: skip
    assert not wrong, told
    after = verdict()
    assert (after["action"], after["reason"]) == ("pause", "Coherence 0.50 is below 0.90")
    wrong, told = governance.call(
        "set_thresholds", {"expected_version": 1, "reason": "late", "coherence_pause": 0.1},
        {"X-Agent-Id": "op"},
    )  # fmt: skip
    assert wrong
    assert told["error"] == "thresholds: version 1 was expected, version 2 is there"


def test_thresholds_that_are_broken_by_hand_are_seen_in_health(start):
    """The server goes on with those before, and says so."""
    governance = start().ready()
    governance.rows("UPDATE core.calibration SET data = '{\"risk_pause\": 7}' RETURNING 1")
    until = time.monotonic() + 12
    while time.monotonic() < until:
        seen = json.loads(governance.ask("GET", "/health")[2])["checks"]["thresholds"]
        if seen["status"] != "healthy":
            break
        time.sleep(0.2)

    assert (seen["status"], seen["next_step"][:14]) == ("warning", "get_thresholds")
    assert "thresholds/risk_pause" in seen["detail"]
    assert governance.rows("SELECT count(*) FROM core.calibration_versions") == [(1,)]


DRAWN = {"outcome_type": "drawing", "outcome_score": 0.75, "detail": {"marks": 3, "era": "x"}}


@pytest.mark.parametrize("again", ["record_result", "outcome_event"])
def test_an_outcome_that_is_reported_again_is_kept_once(bureau, again):
    """Whatever came meanwhile it is given the first answer, by either name of the tool."""

    async def story(room):
        room.rows(STATE)
        first = await room.call("record_result", **DRAWN, idempotency_key="drawing-17")
        room.rows("UPDATE core.agent_state SET energy = 0.1, clarity = 0.1")
        turned = {**DRAWN, "detail": {"era": "x", "marks": 3}, "client_session_id": "other"}
        second = await room.call(again, **turned, idempotency_key="drawing-17")
        others = [
            await room.call("record_result", **DRAWN),
            await room.call("record_result", **DRAWN, idempotency_key="drawing-18"),
            await room.call("record_result", "ember", **DRAWN, idempotency_key="drawing-17"),
        ]
        return first, second, others, room.rows(
            "SELECT count(*), count(DISTINCT outcome_id) FROM audit.outcome_events"
        ), len(await room.events("payload", "outcome"))  # fmt: skip

    first, second, others, rows, told = bureau(story)

    assert second == first.model_copy(update={"repeated": True})
    assert not first.repeated
    assert not any(each.repeated for each in others)
    assert (rows, told) == ([(4, 4)], 4)


def test_ground_truth_is_kept_once_as_well(bureau):
    """By the key of the agent that it is about."""

    async def story(room):
        said = {"confidence": 0.5, "actual": 1, "idempotency_key": "t-1"}
        both = [await room.call("record_ground_truth", **said) for _ in range(2)]
        return [each.repeated for each in both], room.rows(
            "SELECT count(*) FROM audit.outcome_events"
        )

    assert bureau(story) == ([False, True], [(1,)])


def test_a_key_that_is_taken_by_another_report_is_a_conflict(bureau):
    """Both hashes are told, to the caller and in the trail; what is stored stands."""

    async def story(room):
        await room.call("record_result", **DRAWN, idempotency_key="drawing-17")
        with pytest.raises(Conflict) as caught:
            await room.call("outcome_event", **{**DRAWN, "outcome_score": 0.7},
                            idempotency_key="drawing-17")  # fmt: skip
        return caught.value, await room.events("agent_id, payload", "outcome_conflict"), room.rows(
            "SELECT outcome_score FROM audit.outcome_events"
        ), room.rows("SELECT encode(body_sha256, 'hex') FROM audit.outcome_keys")  # fmt: skip

    error, [(agent, payload)], rows, [(stored,)] = bureau(story)

    assert rows == [(0.75,)]
    assert (agent, payload["idempotency_key"]) == ("lumen", "drawing-17")
    assert payload["stored_sha256"] == stored != payload["sent_sha256"]
    assert payload["stored_sha256"] in error.message
    assert payload["sent_sha256"] in error.message


def test_of_many_that_report_at_once_one_is_kept(bureau):
    """All are given its answer."""

    async def story(room):
        asked = [room.call("record_result", **DRAWN, idempotency_key="k") for _ in range(4)]
        told = await asyncio.gather(*asked)
        return {each.outcome_id for each in told}, sorted(each.repeated for each in told)

    ids, repeated = bureau(story)

    assert len(ids) == 1
    assert repeated == [False, True, True, True]
