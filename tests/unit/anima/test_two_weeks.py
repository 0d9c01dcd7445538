"""Weeks of the creature's life with retention, simulated fast through the real store.

``ABODE_WEEKS=full`` takes the pace of real life: a feeling a minute, a step every ten seconds.
"""

import os
import sqlite3
import sys
import time
from datetime import UTC, datetime

import pytest

from apps.anima import archives, retention
from apps.anima.retention import Retention, database_bytes
from apps.sqlite import as_row
from schemas.anima.tables import AnimaState
from tests.unit.anima.house_time import ANIMA, World

START = datetime(2026, 9, 1, tzinfo=UTC)
DAY = 86_400
IS_FULL = os.environ.get("ABODE_WEEKS") == "full"
FORMS = [
    # days lived, days kept, seconds between feelings, seconds between steps
    pytest.param((14, 3, *((60, 10) if IS_FULL else (240, 120))), id="two weeks, three days kept"),
    pytest.param((45, None, *((60, 10) if IS_FULL else (1200, 600))), id="45 days, thirty kept"),
]


@pytest.fixture
def world(path, drawing_state):
    """A board that is on and knows the time."""
    World.pretend_made(path, START)
    made = World(path, START, drawing_state, linger=30.0)
    made.power_on()
    made.ntp()
    made.live(1)
    yield made
    made.stop()


def ask(path, statement):
    """What a reader beside the process sees."""
    db = sqlite3.connect(path)
    found = db.execute(statement).fetchall()
    db.close()
    return found


@pytest.mark.parametrize("form", FORMS)
def test_weeks_with_retention(world, form, monkeypatch, capsys):
    """The file stops growing; archives and file together are every row that was ever written."""
    days, keep, feel_every, step_every = form
    if keep:
        monkeypatch.setattr(retention, "KEEP_DAYS", dict.fromkeys(retention.KEEP_DAYS, keep))
    keep = keep or retention.KEEP_DAYS["drawing_history"]
    deletions = timed(monkeypatch)
    kept = Retention(world.store, world.retiming, world.clock, world.path.parent)
    kept.rest_seconds = 0.002
    ledger = {"state_history": [], "drawing_history": []}
    pages, quiet, busy = [], [], []
    for _ in range(days):
        kept.turn()
        for second in range(0, DAY, step_every):
            is_busy = kept._thread.is_alive()
            began = time.perf_counter()
            turn(world, ledger, is_feeling=not second % feel_every, seconds=step_every)
            (busy if is_busy else quiet).append(time.perf_counter() - began)
            if not second % min(21_600, 200 * step_every):  # the writer's queue is not that long
                world.settle()
        kept._thread.join(60)
        world.settle()
        pages += ask(world.path, "PRAGMA page_count")[0]
    kept.run()

    assert not kept.failures.counts
    assert not world.store.dropped.counts
    assert world.store.close(10)
    world.store = None
    archived = compare(world, ledger)
    assert archived > 0.9 * sum(map(len, ledger.values())) * (days - keep - 1) / days
    full = pages[keep + 1]
    assert max(pages[keep + 2 :]) <= 1.05 * full, pages
    with capsys.disabled():
        home = world.path.parent
        sys.stdout.write(
            f"\n{days} days, {keep} kept: {sum(map(len, ledger.values()))} rows, {archived}"
            f" archived in {len(archives.listed(home))} files of"
            f" {archives.size_bytes(home)} bytes; file {database_bytes(home)} bytes,"
            " its pages day by day"
            f" {pages[keep // 2]} .. {full} .. {pages[-1]};"
            f" deleting {retention.ROWS_AT_ONCE} rows {at(deletions)};"
            f" a turn {at(quiet)}, beside archiving {at(busy)}\n"
        )
    assert max(deletions) < 0.010
    assert sorted(busy)[len(busy) * 9 // 10] < 0.010


def turn(world, ledger, *, is_feeling, seconds):
    """What life does in one turn: a step, and now and then a feeling."""
    world.shown += seconds * 1_000_000
    world.boottime += seconds * 1_000_000
    now = world.clock.now()
    step = world.make_drawing(marks=len(ledger["drawing_history"]) + 1, timestamp=now)
    world.store.record_drawing_state(step)
    ledger["drawing_history"].append(step)
    if is_feeling:
        sensors = {"cpu_temp_c": 40 + now.minute / 7, "sources": {"cpu_temp_c": 'thermal "0"'}}
        felt = AnimaState(timestamp=now, sensors=sensors, **ANIMA.model_dump())
        world.store.record_state(felt)
        ledger["state_history"].append(felt)


def compare(world, ledger):
    """Every row by value, once; gives how many of them are archived."""
    archived = 0
    for table, written in ledger.items():
        found = ask(world.path, f"SELECT * FROM {table}")
        for archive in archives.listed(world.path.parent, table):
            archives.verify(world.path.parent, archive)
            lines = archives.lines_of(world.path.parent, archive)
            rows = [archives.values(line) for line in lines]
            assert {row[1][:10] for row in rows} == {archive.day}
            found += rows
            archived += len(rows)
        expected = [tuple(as_row(row).values())[1:] for row in written]
        assert [row[1:] for row in sorted(found)] == expected
    return archived


def timed(monkeypatch):
    """What each transaction that deletes takes of the writer's time, whoever else is busy here."""
    took = []
    real = retention.remove

    def remove(*args, **kwargs):
        began = time.thread_time()
        real(*args, **kwargs)
        took.append(time.thread_time() - began)

    monkeypatch.setattr(retention, "remove", remove)
    return took


def at(seconds):
    """The middle, the hundredth worst and the worst, in ms."""
    if not seconds:
        return "none"
    each = sorted(seconds)
    found = each[len(each) // 2], each[len(each) * 99 // 100], each[-1]
    return "p50 {:.2f} p99 {:.2f} worst {:.2f} ms".format(*(1000 * one for one in found))
