"""Thresholds are data: readable, versioned, changed by operators only, in force at once."""

import asyncio

import psycopg
import pytest
from psycopg import errors

from apps.bridge.refusals import Conflict, Forbidden, NotFound
from schemas.errors import Diverged, Refused


def test_each_change_is_a_version_and_the_older_ones_stay(bureau):
    """Who, when, why, and what it was; the writer has the newest one."""

    async def story(room):
        first = await room.call("get_thresholds")
        second = await room.call(
            "set_thresholds", "op", expected_version=1, reason="too eager", risk_pause=0.7
        )
        third = await room.call(
            "set_thresholds", "op", expected_version=2, reason="calmer", void_pause=0.2
        )
        older = [await room.call("get_thresholds", version=number) for number in (1, 2, 3)]
        with pytest.raises(NotFound, match="no version 4"):
            await room.call("get_thresholds", version=4)
        events = await room.events(
            "agent_id, payload->'before'->>'risk_pause', payload->'after'->>'risk_pause',"
            " payload->>'version'", "thresholds_changed",
        )  # fmt: skip
        return first, second, third, older, events, room.writer.thresholds

    first, second, third, older, events, writer = bureau(story)

    assert (first.version, first.in_force, first.changed_by) == (1, True, None)
    assert (second.version, second.thresholds.risk_pause) == (2, 0.7)
    assert (third.thresholds.risk_pause, third.thresholds.void_pause) == (0.7, 0.2)
    assert third.versions == (3, 2, 1)
    assert [each.in_force for each in older] == [False, False, True]
    assert older[0].thresholds == first.thresholds
    assert (older[1].reason, older[1].changed_by) == ("too eager", "op")
    assert older[0].replaced_at == older[1].made_at
    assert events == [("op", "0.6", "0.7", "2"), ("op", "0.7", "0.7", "3")]
    assert writer == third.thresholds


def test_of_operators_at_once_one_changes_and_the_others_are_told_the_version(bureau):
    """No change is lost under another one."""

    async def story(room):
        return await asyncio.gather(
            *(
                room.call("set_thresholds", "op", expected_version=1, reason="mine",
                          risk_pause=0.7 + number / 100)
                for number in range(5)
            ),
            return_exceptions=True,
        ), room.rows("SELECT version FROM core.calibration")  # fmt: skip

    given, rows = bureau(story)

    assert rows == [(2,)]
    refused = [each for each in given if isinstance(each, Conflict)]
    assert len(refused) == 4
    assert {each.message for each in refused} == {
        "thresholds: version 1 was expected, version 2 is there"
    }


def test_an_agent_may_read_thresholds_and_not_set_them(bureau):
    """The right to operate is asked for."""

    async def story(room):
        with pytest.raises(Forbidden, match="needs the right 'operate'"):
            await room.call("set_thresholds", expected_version=1, reason="mine", risk_pause=0.9)
        return (await room.call("get_thresholds")).version

    assert bureau(story) == 1


@pytest.mark.parametrize(
    ("wish", "why"),
    [
        ({"risk_low": 0.65}, "risk_low 0.65 is above risk_pause 0.6"),
        ({"risk_pause": 1.5}, "risk_pause: 1.5 is above 1"),
        ({"risk": 0.5}, "unknown key 'risk'"),
        ({}, "are like that already"),
        ({"risk_pause": 0.60}, "are like that already"),
    ],
)
def test_what_makes_no_sense_changes_nothing(bureau, wish, why):
    """Out of order, out of range, unknown, the same."""

    async def story(room):
        with pytest.raises(Refused, match=why):
            await room.call("set_thresholds", "op", expected_version=1, reason="a test", **wish)
        return room.rows("SELECT version, (SELECT count(*) FROM core.calibration_versions)"
                         "  FROM core.calibration")  # fmt: skip

    assert bureau(story) == [(1, 0)]


def test_a_change_by_hand_is_a_version_and_is_followed(bureau):
    """Also of another process; a broken one is said and not taken."""

    async def story(room):
        await room.calibration.follow()
        by_hand = "UPDATE core.calibration SET data = data || '{\"risk_pause\": %s}'"
        room.rows(by_hand.replace("%s", "0.8"))
        await room.calibration.follow()
        taken = room.writer.thresholds.risk_pause
        room.rows(by_hand.replace("%s", "8"))
        with pytest.raises(Diverged, match="thresholds/risk_pause"):
            await room.calibration.follow()
        return taken, room.writer.thresholds.risk_pause, room.rows(
            "SELECT version, data->>'risk_pause', replaced_role FROM core.calibration_versions"
            " ORDER BY version"
        )  # fmt: skip

    taken, still, kept = bureau(story)

    assert taken == still == 0.8
    assert kept == [(1, "0.60", "postgres"), (2, "0.8", "postgres")]


def test_the_app_neither_counts_versions_nor_rewrites_them(bureau):
    """A trigger does the one; nobody may do the other."""

    async def story(room):
        for statement in (
            "UPDATE core.calibration SET version = 9",
            "UPDATE core.calibration_versions SET reason = 'other'",
            "INSERT INTO core.calibration_versions (version) VALUES (7)",
            "DELETE FROM core.calibration_versions",
            "DELETE FROM core.calibration",
        ):
            with (
                psycopg.connect(room.database.app) as conn,
                pytest.raises(errors.InsufficientPrivilege),
            ):
                conn.execute(statement)

    bureau(story)
