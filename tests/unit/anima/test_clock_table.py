"""Twelve ways in which a clock without a battery goes wrong, each on a real file."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.unit.anima.house_time import YEAR, World

MADE = datetime(2026, 11, 1, tzinfo=UTC)
START = datetime(2026, 11, 20, 12, 0, 0, 250_000, tzinfo=UTC)
OLD = datetime(1970, 1, 1, 0, 0, 20, tzinfo=UTC)
HOUR = 3600
ALL = frozenset({1, 2, 3})


def right_from_the_start(world):
    """Time synchronisation was quicker than the creature."""
    world.power_on()
    world.ntp()
    world.live(300)


def nineteen_seventy_then_ntp(world):
    """No clock at all, then the right one."""
    world.power_on(wall=OLD)
    world.live(300)
    world.ntp()
    world.live(300)


def last_shutdown_then_ntp(world):
    """fake-hwclock: the clock goes on where it stopped."""
    world.power_on()
    world.ntp()
    world.live(200)
    stopped = world.truth
    world.power_cut(away=5 * HOUR)
    world.power_on(wall=stopped)
    world.live(200)
    world.ntp()
    world.live(200)


def fifty_years_back(world):
    """The system's clock jumps while all is well: nobody follows."""
    world.power_on()
    world.ntp()
    world.live(200)
    world.jump(-50 * YEAR)
    world.live(300)


def three_hours_forth(world):
    """The same, the other way; a restart believes it as little."""
    world.power_on()
    world.ntp()
    world.live(200)
    world.jump(3 * HOUR)
    world.live(300)
    world.stop()
    world.wake()
    world.live(100)


def back_and_forth(world):
    """Jumps before and after it is known; the one that an authority makes is none."""
    world.power_on(wall=OLD)
    for seconds in (YEAR, -50 * YEAR, 3 * HOUR, -3 * HOUR, 49 * YEAR):
        world.live(60)
        world.jump(seconds)
    world.live(100)
    world.ntp()
    world.live(200)
    world.jump(-3 * HOUR)
    world.live(60)
    world.ntp()
    world.live(60)


def never_known_then_known(world):
    """The power goes before the time is known; those rows stay between their neighbours."""
    world.power_on()
    world.ntp()
    world.live(100)
    world.power_cut()
    world.power_on(wall=OLD)
    world.live(300)
    world.power_cut(away=2 * HOUR)
    world.power_on(wall=OLD)
    world.live(100)
    world.ntp()
    world.live(100)


def twice_never_known_then_known(world):
    """Two boots in the future of what turns out to be the time; order holds across all three."""
    world.power_on(wall=START + timedelta(days=40))
    world.live(300)
    world.power_cut()
    world.power_on(wall=OLD)
    world.live(300)
    world.power_cut()
    world.power_on(wall=OLD)
    world.live(100)
    world.ntp()
    world.live(100)


def a_year_ahead_then_known(world):
    """A boot in the far future, never known; the next knows better."""
    world.power_on()
    world.ntp()
    world.live(100)
    world.power_cut()
    world.power_on(wall=START + timedelta(days=365))
    world.live(300)
    world.power_cut()
    world.power_on(wall=START + timedelta(hours=1))
    world.ntp()
    world.live(200)


def only_governance_knows(world):
    """No time synchronisation anywhere: the Date of an answer will do."""
    world.power_on(wall=OLD)
    world.live(300)
    world.governance = 0.0
    world.live(300)


def three_hours_off_says_the_authority_later(world):
    """The Mac's clock was wrong for a while, and with it the creature's."""
    world.governance, world.lied = 3.0 * HOUR, True
    world.power_on(wall=OLD)
    world.live(300)
    world.governance = None
    world.live(100)
    world.governance = 0.0
    world.live(100)


def local_zone_and_a_leap(world):
    """TZ is set, and the clock is set back by one second as after a leap second."""
    world.power_on()
    world.ntp()
    world.live(200)
    world.jump(-1)
    world.live(60)
    world.ntp()
    world.live(100)
    world.ntp(wrong=-0.9)
    world.live(200)


CASES = [
    # what happens, boots whose true time can be known, jumps that are told
    (right_from_the_start, {1}, 0),
    (nineteen_seventy_then_ntp, {1}, 0),
    (last_shutdown_then_ntp, {1, 2}, 0),
    (fifty_years_back, {1}, 1),
    (three_hours_forth, {1}, 1),
    (back_and_forth, {1}, 6),
    (never_known_then_known, {1, 3}, 0),
    (twice_never_known_then_known, {3}, 0),
    (a_year_ahead_then_known, {1, 3}, 0),
    (only_governance_knows, {1}, 0),
    (three_hours_off_says_the_authority_later, {1}, 0),
    (local_zone_and_a_leap, {1}, 0),
]


@pytest.fixture
def world(path, drawing_state):
    """A board that is off."""
    World.pretend_made(path, MADE)
    made = World(path, START, drawing_state)
    yield made
    made.stop()


@pytest.mark.parametrize(
    ("happens", "knowable", "jumps"), CASES, ids=[case[0].__name__ for case in CASES]
)
def test_the_clock_table(world, happens, knowable, jumps, monkeypatch):
    """Order by id is order by time, a known time is true to a second, the first one is kept."""
    monkeypatch.setenv("TZ", "America/Denver")
    happens(world)

    assert world.clock.is_known
    assert abs(world.clock.now() - world.truth) <= timedelta(seconds=1)
    for table in world.tables():
        found = world.found(table)
        times = [when for _, when, _, _ in found]
        assert times == sorted(times), table
        written = world.rows[table]
        if table == "events":
            continue
        assert len(found) + (len(world.sent) if table == "outbox" else 0) == len(written)
        for number, when, first, boot in found:
            row = written[number - 1]
            assert (first, boot) == (row.stamp, row.boot), (table, number)
            if row.boot in knowable:
                assert abs(when - row.truth) <= timedelta(seconds=1), (table, number)
            assert MADE <= when <= world.truth + timedelta(seconds=1), (table, number)
    assert len(world.events("time_jump")) == jumps
    check_outbox(world, knowable)


def check_outbox(world, knowable):
    """Seq is order whatever the clock; a date that is told is true; what was sent is as it was."""
    told = [*world.sent, *(body for _, _, body in world.waiting())]
    assert [body["seq"] for body in told] == list(range(1, len(world.rows["outbox"]) + 1))
    for body in told:
        row = world.rows["outbox"][body["seq"] - 1]
        if "recorded_at" in body and row.boot in knowable:
            recorded = datetime.fromisoformat(body["recorded_at"])
            was_lied_to = world.lied and body in world.sent and recorded == row.stamp
            assert was_lied_to or abs(recorded - row.truth) <= timedelta(seconds=1), body["seq"]
