"""Bits that turn on their own, in any file of a home: it comes up, and nothing is lost unsaid."""

import json
import shutil
import sqlite3
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from random import Random

import pytest

from apps.anima.backups import Backups
from apps.anima.checkin import compose, new_boot_id
from apps.anima.store import Store
from apps.sqlite import as_row
from tests.unit.anima.faults.creature import Creature, Mac, amount, tell, until

FLIPS = amount("ABODE_ANIMA_FLIPS", 20)
FIRST = amount("ABODE_ANIMA_FIRST_FLIP", 0)
"""A flip is told by its number: this is how to see one again."""
SEED = 20261129
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
PAGE = 4096
TARGETS = ("anima.db", "anima.db-wal", "outbox", "canvas.json", "anima.db-shm")


@pytest.fixture
def lived(memory, migrated, anima, drawing_state):
    """A home with a past: two backups, check-ins that nobody took, a log that was never closed."""
    home = memory / "lived"
    home.mkdir()
    path = home / "anima.db"
    shutil.copy(migrated, path)
    _fill(path, drawing_state, range(2_000))
    store = Store(path, "lumen")
    store.start()
    store.wake(NOW)
    boot = new_boot_id()
    build = compose("lumen", boot, NOW, anima=anima, readings=[], dropped=0)
    for _ in range(20):
        store.enqueue_checkin(boot, NOW, build)
    Backups(path).make(NOW)
    _fill(path, drawing_state, range(2_000, 2_300))
    Backups(path).make(NOW)
    for marks in range(2_300, 2_360):
        store.record_drawing_state(drawing_state(marks)).result(5)
    for _ in range(10):
        store.enqueue_checkin(boot, NOW, build)
    killed = shutil.copytree(home, memory / "killed")
    assert store.close(5)
    artist = memory / "artist"
    artist.mkdir()
    shutil.copy(migrated, artist / "anima.db")
    creature = Creature(artist, "http://127.0.0.1:9")
    creature.start()
    until(lambda: creature.ask("SELECT 1 FROM drawing_history"), creature=creature)
    creature.stop()
    shutil.copy(artist / "canvas.json", killed)
    return killed


def _fill(path, drawing_state, marks):
    rows = [as_row(drawing_state(mark)) for mark in marks]
    names = ", ".join(rows[0])
    values = ", ".join(f":{name}" for name in rows[0])
    with closing(sqlite3.connect(path)) as db, db:
        db.executemany(f"INSERT INTO drawing_history ({names}) VALUES ({values})", rows)


def test_flipped_bytes_are_mended_and_told(memory, lived, capsys):
    """In database, log, outbox pages and canvas: up again alone, and what is lost is said."""
    mac = Mac()
    before = Creature(lived, mac.url)
    history, owed = before.ids("drawing_history"), before.ask("SELECT id, body FROM outbox")
    numbers = range(FIRST, FIRST + FLIPS)
    with ThreadPoolExecutor(3) as pool:
        outcomes = list(pool.map(lambda n: _flipped(memory, lived, n, history, owed), numbers))
    mac.close()
    total = Counter()
    for outcome in outcomes:
        total.update(outcome)
    times = sorted(outcome["milliseconds"] for outcome in outcomes)
    del total["milliseconds"]
    tell(
        capsys,
        {
            "flips": FLIPS,
            **total,
            "up and drained p50 ms": times[len(times) // 2],
            "up and drained p99 ms": times[len(times) * 99 // 100],
        },
    )

    assert total["silent"] == 0
    assert total["duplicates"] == 0
    assert total["interventions"] == 0


def _flipped(memory, lived, number, history, owed):
    rng = Random(SEED * 1_000 + number)
    home = shutil.copytree(lived, memory / f"flip{number}")
    target = TARGETS[number % len(TARGETS)]
    _flip(rng, home, target)
    mac = Mac()
    creature = Creature(home, mac.url, ANIMA_CHECK_IN_EVERY_SECONDS="0.1")
    began = time.monotonic()
    try:
        creature.keep_alive()
        fresh = lambda: [b for b in list(mac.bodies.values()) if b["seq"] > len(owed)]  # noqa: E731
        until(lambda: len(fresh()) >= 3, 90, creature)
        until(lambda: "database is whole" in creature.told.rpartition("awake ")[2], 60, creature)
        until(lambda: not creature.ids("outbox") & {seq for seq, _ in owed}, 60, creature)
        took = time.monotonic() - began
        drawn = len(creature.ids("drawing_history"))
        until(lambda: len(creature.ids("drawing_history")) > drawn, 60, creature)
        creature.stop()
    except AssertionError as error:
        sys.stderr.write(f"flip {number} of {target}: {error}\n")
        return Counter(interventions=1, milliseconds=0)
    finally:
        creature.end()
        mac.close()
    arrived = {body["seq"]: body for body in mac.bodies.values()}
    altered = [seq for seq, body in owed if arrived.get(seq) != json.loads(body)]
    gone = history - creature.ids("drawing_history")
    is_told = _is_told(creature)
    if (altered or gone) and not is_told:
        sys.stderr.write(f"flip {number} of {target}: {altered} {gone}\n{creature.told}\n")
    return Counter(
        {
            f"mended {target}": "DATABASE MENDED" in creature.told,
            "check-ins lost or altered, told": len(altered) if is_told else 0,
            "rows lost, told": len(gone) if is_told else 0,
            "silent": 0 if is_told else len(altered) + len(gone),
            "duplicates": mac.conflicts,
            "interventions": 0,
            "milliseconds": int(took * 1000),
        }
    )


def _flip(rng, home, target):
    """One bit, some bytes, a sector or a page."""
    path = home / ("anima.db" if target == "outbox" else target)
    if path.name == "anima.db":
        with closing(sqlite3.connect(path)) as db:  # else the log would hide what is flipped below
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    content = bytearray(path.read_bytes())
    low, high = 0, len(content)
    if target == "outbox":
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            ask = "SELECT rootpage FROM sqlite_schema WHERE name = 'outbox'"
            (page,) = db.execute(ask).fetchone()
        low, high = (page - 1) * PAGE, page * PAGE
    size = rng.choice((1, 1, 8, 512, PAGE))
    at = rng.randrange(low, max(low + 1, high - size))
    for place in range(at, min(at + size, high)):
        content[place] ^= rng.randrange(1, 256)
    path.write_bytes(content)


def _is_told(creature):
    """In the log, and for damage in an event that stays."""
    if "DATABASE MENDED" in creature.told:
        return len(creature.ask("SELECT 1 FROM events WHERE event_type = 'damage'")) > 0
    said = ("not whole", "check-in rejected", "canvas set aside")
    return any(word in creature.told for word in said)
