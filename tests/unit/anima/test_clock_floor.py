"""What a clock that nobody has told the time goes on from, and what a restart still dates."""

import sqlite3
from datetime import UTC, datetime, timedelta

import pytest

from apps.anima.beside import house_time
from apps.anima.instants import borne_out
from apps.anima.outbox import HEAD_LIMIT
from tests.unit.anima.house_time import World

START = datetime(2026, 11, 20, 12, tzinfo=UTC)
OLD = datetime(1970, 1, 1, tzinfo=UTC)
FLIPPED = "6026-11-20T12:00:55.000000+00:00", "2027-11-20T12:00:55.000000+00:00"


@pytest.fixture
def world(path, drawing_state):
    """A board that is off."""
    World.pretend_made(path, START - timedelta(days=19))
    made = World(path, START, drawing_state)
    yield made
    made.stop()


def spoil(world, stamp):
    """A bit of the newest state's time flips on the card."""
    db = sqlite3.connect(world.path)
    db.execute(
        "UPDATE state_history SET timestamp = ? WHERE id = (SELECT max(id) FROM state_history)",
        (stamp,),
    )
    db.commit()
    db.close()


@pytest.mark.parametrize("stamp", FLIPPED)
@pytest.mark.parametrize("was_known", [True, False])
def test_one_far_time_pulls_no_clock_and_no_boot_with_it(world, stamp, was_known):
    """It is counted; time goes on from the others, and governance is still believed."""
    world.power_on()
    if was_known:
        world.ntp()
    world.live(60)
    world.power_cut()
    spoil(world, stamp)
    world.power_on(wall=OLD)

    assert START < world.clock.now() < world.truth
    assert world.clock.failures.counts == {"clock newest row": 1}
    db = sqlite3.connect(world.path)
    assert house_time(db) < datetime.now(UTC) + timedelta(days=1)
    db.close()

    world.governance = 0.0
    world.live(41)
    assert world.clock.is_known
    assert abs(world.clock.now() - world.truth) <= timedelta(seconds=1)
    firsts = [at for _, at, _, boot in world.found("state_history") if boot == 1][:-1]
    assert all(START < at < START + timedelta(seconds=61) for at in firsts)


def test_a_time_that_others_bear_out_is_gone_on_from():
    """After months in a drawer the first rows of a new boot agree with one another."""
    day = timedelta(days=1)
    months = [START, START + 90 * day, START + 90 * day + timedelta(seconds=1)]

    assert borne_out(months) == months[-1]
    assert borne_out(months[:2]) == START
    assert borne_out(months[:1]) == START
    assert borne_out([]) is None


def test_what_was_never_sent_is_dated_after_a_restart_too(world):
    """Only the head may have been sent, and what is noted as tried."""
    world.power_on(wall=OLD)
    world.live(20 * (HEAD_LIMIT + 10))
    world.store.note_attempt(HEAD_LIMIT + 3, "no answer")
    world.stop()
    world.wake()
    world.ntp()
    world.live(2)
    undated = [seq for seq, _, body in world.waiting() if "recorded_at" not in body]

    assert undated == list(range(1, HEAD_LIMIT + 4))


def test_a_mark_that_is_no_time_stops_no_start(world):
    """A bit of the heartbeat's time flips: the others tell it."""
    world.power_on()
    world.ntp()
    world.live(60)
    world.power_cut()
    db = sqlite3.connect(world.path)
    db.execute("UPDATE identity SET last_heartbeat_at = 'x' || substr(last_heartbeat_at, 2)")
    assert db.execute("SELECT last_heartbeat_at FROM identity").fetchone()[0].startswith("x")
    db.commit()
    db.close()
    world.power_on(wall=OLD)

    assert START < world.clock.now() < world.truth
    assert len(world.clock.failures.counts) == 1
