"""House time: whom it believes, how it moves, and that nobody asks another clock."""

import re
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from apps.anima import retiming as retiming_file
from apps.anima.clock import SECOND, Clock, Correction, as_date, kernel_boot, touched
from apps.bridge import client as client_file
from apps.bridge.client import Client
from schemas.anima.tables import EventType
from tests.unit.anima.house_time import World

ROOT = Path(__file__).parents[3]
MADE = datetime(2026, 11, 1, tzinfo=UTC)
START = datetime(2026, 11, 20, 12, tzinfo=UTC)
OLD = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.fixture
def world(path, drawing_state):
    """A board that is off."""
    World.pretend_made(path, MADE)
    made = World(path, START, drawing_state)
    yield made
    made.stop()


def wrong(world):
    """How far house time is from the truth, in seconds."""
    return (world.clock.now() - world.truth).total_seconds()


def test_nobody_on_the_pi_asks_another_clock():
    """What is stamped is stamped by the house's clock; the journal and files have their own."""
    asks = re.compile(r"datetime\.(now|utcnow|today)\(|time\.(time|time_ns|localtime|gmtime)\(")
    found = [
        f"{file.name}: {line.strip()}"
        for file in sorted((ROOT / "apps/anima").glob("*.py"))
        if file.name not in {"clock.py", "log.py", "backups.py"}
        for line in file.read_text(encoding="utf-8").splitlines()
        if asks.search(line)
    ]

    assert not found


def test_a_little_wrong_is_slewed_and_never_goes_back(world):
    """1.5 s ahead: two seconds' worth in twenty, each later than the one before."""
    world.power_on()
    world.ntp()
    world.live(60)
    world.ntp(wrong=-1.5)
    seen = []
    for _ in range(25):
        world.live(1)
        seen.append(world.clock.now())

    assert seen == sorted(set(seen))
    assert wrong(world) == pytest.approx(-1.5, abs=0.01)
    assert not world.found("drawing_history")[-1][1] > world.truth


def test_one_odd_date_is_not_believed_and_two_are(world):
    """A late answer must not move a day's rows."""
    world.power_on(wall=OLD)
    world.governance = 0.0
    world.live(20)
    world.governance = 3600.0
    world.live(39)
    assert abs(wrong(world)) < 1

    world.live(40)
    assert wrong(world) == pytest.approx(3600, abs=1)


def test_a_date_before_what_was_written_at_a_known_time_is_not_believed(world):
    """The Mac woke in the past: the creature knows better, says so, and goes on."""
    world.power_on()
    world.ntp()
    world.live(60)
    world.power_cut()
    world.power_on(wall=OLD)
    world.governance = -86_400.0 * 365
    world.live(60)

    assert not world.clock.is_known
    assert world.clock.failures.counts["clock governance"] == 2  # the third was not heard yet
    assert world.clock.now() > START


def test_time_synchronisation_is_believed_rather_than_governance(world):
    """Whatever the Mac says afterwards is counted."""
    world.power_on()
    world.ntp()
    world.governance = 7200.0
    world.live(100)

    assert abs(wrong(world)) < 1
    assert world.clock.failures.counts["clock governance"] == 4  # the fifth was not heard yet


def test_a_clock_that_was_set_and_then_jumped_is_not_believed(world):
    """The touch is news, but the clock no longer shows what it was set to."""
    world.power_on()
    world.ntp()
    world.live(30)
    world.ntp()
    world.jump(3600)
    world.live(30)

    assert abs(wrong(world)) < 1
    assert world.clock.failures.counts["clock timesync"] == 1


def test_what_was_being_moved_is_moved_after_a_power_cut(world, monkeypatch):
    """Each transaction moves some rows and says how far it came; none is moved twice."""
    monkeypatch.setattr(retiming_file, "ROWS_AT_ONCE", 7)
    world.power_on(wall=OLD)
    world.live(200)
    world.ntp()
    world.retiming.turn()
    for _ in range(3):
        world.store.submit("test", lambda db: None).result(5)
        world.retiming.turn()
    assert not world.retiming.is_settled
    world.stop()
    world.wake()
    world.live(30)

    for number, when, first, _ in world.found("state_history"):
        row = world.rows["state_history"][number - 1]
        assert abs(when - row.truth) <= timedelta(milliseconds=1)
        assert first == row.stamp


def test_a_disk_that_refuses_for_long_does_not_move_rows_twice(world, monkeypatch):
    """The order to move is dropped like any record; what is written then is told the new time."""
    monkeypatch.setattr("apps.sqlite.BUSY_TIMEOUT_MS", 20)
    monkeypatch.setattr("apps.anima.writer.RETRY_SECONDS", 0.01)
    world.power_on(wall=OLD)
    world.live(50)
    monkeypatch.setattr("apps.anima.writer.QUEUE_LIMIT", 2)
    kept = {table: len(rows) for table, rows in world.rows.items()}
    lock = sqlite3.connect(world.path, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    world.ntp()
    world.retiming.turn()
    for _ in range(4):
        world._draw()
        world.retiming._record(EventType.TIME_JUMP, {"seconds": 0})
        world.store.submit("test", lambda db: None, "read").result(5)
    assert world.store.dropped.counts["clock"] == 1
    world.retiming.turn()
    lock.execute("ROLLBACK")
    lock.close()
    world.settle()
    world.live(30)

    for _, when, _, _ in world.found("drawing_history")[: kept["drawing_history"]]:
        assert START <= when <= START + timedelta(seconds=50)
    times = [when for _, when, _, _ in world.found("drawing_history")]
    assert times == sorted(times)
    assert times[-1] <= world.truth
    events = [when for _, when, _, _ in world.found("events")]
    assert events == sorted(events)
    assert events[-1] <= world.truth


def test_who_was_born_before_the_time_was_known_has_a_birthday(world):
    """It was born when it first woke, in truth."""
    world.power_on(wall=OLD)
    world.live(100)
    world.ntp()
    world.live(5)
    query = "SELECT born_at FROM identity"
    born = world.store.submit("test", lambda db: db.execute(query).fetchone()[0], "read").result(5)

    assert abs(datetime.fromisoformat(born) - START) < timedelta(seconds=1)


def test_a_check_in_gets_its_date_unless_it_may_have_been_sent(world):
    """Governance knows it by what it says: what was handed out once stays as it was."""
    world.power_on(wall=OLD)
    world.live(100)
    world.store.oldest_checkins(2)
    world.ntp()
    world.live(5)
    bodies = [body for _, _, body in world.waiting()]

    assert ["recorded_at" in body for body in bodies] == [False, False, True, True, True]
    for row, body in list(zip(world.rows["outbox"], bodies, strict=True))[2:]:
        told = datetime.fromisoformat(body["recorded_at"])
        assert abs(told - row.truth) <= timedelta(milliseconds=1)


SPOILT = "20a6-11-01T00:00:00.000000+00:00", b"2026-11-\xb21T00:00:00.000000+00:00", "9999-12-31"
DAYS = "SELECT substr(CAST(timestamp AS BLOB), 1, 10) FROM state_history"


@pytest.mark.parametrize(
    ("stamp", "at"), [(SPOILT[0], "last"), (SPOILT[1], "last"), *((s, "first") for s in SPOILT)]
)
def test_a_time_that_is_none_stops_no_other_row_and_no_start(world, stamp, at):
    """A bit of it has flipped: that row stays as it is, counted; all others are moved."""
    world.power_on(wall=OLD)
    world.live(100)
    spoil(world, f"UPDATE state_history SET timestamp = CAST(? AS TEXT) {which(at)}", stamp)
    world.stop()
    world.wake()
    world.ntp()
    world.live(1)

    assert world.retiming.is_settled
    assert world.clock.failures.counts["clock state_history"] == 1
    moved = world.store.submit("test", lambda db: db.execute(DAYS).fetchall(), "read").result(10)
    assert len(moved) == 20
    assert len([day for (day,) in moved if day == b"2026-11-20"]) == 19


def test_a_check_in_that_is_no_json_stops_no_other(world):
    """Its time is moved, its body is left alone."""
    world.power_on(wall=OLD)
    world.live(100)
    spoil(world, f"UPDATE outbox SET body = ? {which('first', 'outbox')}", '{"contract:')
    world.ntp()
    world.live(2)

    assert world.retiming.is_settled
    waiting = world.store.oldest_checkins(9)
    assert [("recorded_at" in one.body) for one in waiting] == [False, True, True, True, True]


def which(at, table="state_history"):
    """The first or the last row."""
    return f"WHERE id = (SELECT {'min' if at == 'first' else 'max'}(id) FROM {table})"


def spoil(world, query, value):
    """Write what no writer would, as a card does it."""

    def work(db):
        db.execute("PRAGMA ignore_check_constraints = ON")
        db.execute(query, (value,))
        db.execute("PRAGMA ignore_check_constraints = OFF")

    world.store.submit("test", work).result(10)


def test_what_is_in_memory_is_told_how_far_to_move(world):
    """The piece on the canvas began in this boot, by the clock that was wrong."""
    world.power_on(wall=OLD)
    told = []
    world.retiming.moved = lambda since, by: told.append((since, by))
    began = world.clock.now()
    world.live(50)
    world.ntp()
    world.live(5)
    ((since, by),) = told

    assert since <= began
    assert abs(began + by - START) < timedelta(milliseconds=1)
    assert abs(since + by - START) < timedelta(milliseconds=1)


def test_a_prompt_verdict_tells_the_date_and_nothing_else_does(governance, monkeypatch):
    """A slow answer, a refusal and an answer that is none are no clock."""
    told = []
    client = Client(governance.url, SecretStr("x"), dated=told.append)
    client.send(b"{}")
    assert abs(as_date(told.pop()) - datetime.now(UTC)) < timedelta(seconds=5)

    governance.answers = [(503, b"no"), (200, b"{}"), governance.answers[0]]
    client.send(b"{}")
    client.send(b"{}")
    monkeypatch.setattr(client_file, "PROMPT_SECONDS", 0.0)
    client.send(b"{}")
    assert told == []


@pytest.mark.parametrize(
    "text", ["", "yesterday", "Sun, 29 Nov 2026 00:31:24 UTC", "Sun, 29 ovD 2026 00:31:24 GMT",
             "Sun, 31 Feb 2026 00:31:24 GMT", "Sun, 29 Nov 2026 0x:31:24 GMT"],
)  # fmt: skip
def test_what_is_no_http_date_is_counted(text):
    """And tells no time."""
    clock = Clock()
    clock.hear_date(text)

    assert clock.failures.counts == {"clock date": 1}
    assert clock.look() is None
    assert as_date("Sat, 31 Dec 2016 23:59:60 GMT") == datetime(2017, 1, 1, tzinfo=UTC)


def test_the_board_that_we_run_on_can_be_asked(tmp_path):
    """Boot, monotonic time, system's clock, and a file that is there or not."""
    clock = Clock()
    now, then = clock.now(), clock.now()

    assert abs(now - datetime.now(UTC)) < timedelta(seconds=1)
    assert now <= then
    assert clock.monotonic() > 0
    assert len(kernel_boot()) == 36
    assert touched(tmp_path / "none") is None
    assert touched(tmp_path) // SECOND > 1_700_000_000
    clock.hear(now + timedelta(hours=1))
    assert isinstance(clock.look(), Correction)
    assert clock.is_known


@pytest.mark.parametrize(
    "date", ["Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 01 Jan 0001 00:00:00 GMT",
             "Fri, 31 Dec 9999 23:59:99 GMT", "Thu, 01 Jan 1970 00:00:00 GMT"],
)  # fmt: skip
def test_a_date_that_cannot_be_is_not_believed(world, date):
    """Not even as the first; the clock goes on, now and after a restart."""
    world.power_on()
    world.clock.hear_date(date)
    world.live(3)

    assert not world.clock.is_known
    assert sum(world.clock.failures.counts.values()) == 1
    assert abs(wrong(world)) < 1
