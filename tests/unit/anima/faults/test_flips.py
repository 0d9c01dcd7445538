"""Bits that turn on their own, in any file of a home: it comes up, and nothing is lost."""

import json
import os
import re
import shutil
import sqlite3
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from math import inf
from random import Random

import pytest

from apps.anima import noted, wal
from apps.anima.backups import Backups
from apps.anima.checkin import compose, new_boot_id
from apps.anima.store import Store
from apps.sqlite import as_row
from schemas.anima.tables import DrawingState
from tests.unit.anima.faults.creature import Creature, Mac, amount, tell, until

FLIPS = amount("ABODE_ANIMA_FLIPS", 20)
FIRST = amount("ABODE_ANIMA_FIRST_FLIP", 0)
"""A flip is told by its number: this is how to see one again."""
SEED = 20261129
NOW = datetime.now(UTC) - timedelta(days=9)
OLD = 2_000
"""Rows that only backups have besides the database: the journal is younger."""
PAGE = 4096
TARGETS = ("anima.db", "anima.db-wal", "outbox", "canvas.json", "anima.db-shm", "journal")


@pytest.fixture
def lived(memory, migrated, anima, drawing_state):
    """A home with a past: two backups, check-ins that nobody took, a log that was never closed."""
    home = memory / "lived"
    home.mkdir()
    path = home / "anima.db"
    shutil.copy(migrated, path)
    drawn = lambda marks: drawing_state(marks, timestamp=NOW)  # noqa: E731
    _fill(path, drawn, range(OLD))
    store = Store(path, "lumen")
    store.start()
    store.wake(NOW)
    boot = new_boot_id()
    build = compose("lumen", boot, NOW, anima=anima, readings=[], dropped=0)
    for _ in range(20):
        store.enqueue_checkin(boot, NOW, build)
    Backups(path).make(NOW)
    for marks in range(OLD, OLD + 300):
        last = store.record_drawing_state(drawn(marks))
    last.result(5)
    Backups(path).make(NOW)
    for marks in range(OLD + 300, OLD + 360):
        store.record_drawing_state(drawn(marks)).result(5)
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
    history = _history(before)
    owed = {seq: json.loads(body) for seq, body in before.ask("SELECT id, body FROM outbox")}
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

    assert total["rows lost, not told"] == total["rows lost, told"] == 0
    assert total["check-ins lost, not told"] == total["check-ins lost, told"] == 0
    assert total["rows with values altered"] == 0
    assert total["files not whole"] == 0
    assert total["duplicates"] == 0
    assert total["interventions"] == 0


def _history(creature):
    """Every value of every row, by id."""
    names = ", ".join(DrawingState.model_fields)
    return {id_: rest for id_, *rest in creature.ask(f"SELECT id, {names} FROM drawing_history")}


def _flipped(memory, lived, number, history, owed):
    rng = Random(SEED * 1_000 + number)
    home = shutil.copytree(lived, memory / f"flip{number}")
    target = TARGETS[number % len(TARGETS)]
    _move_in(home / "anima.db")
    _flip(rng, home, target)
    mac = Mac()
    creature = Creature(home, mac.url, ANIMA_CHECK_IN_EVERY_SECONDS="0.1")
    began = time.monotonic()
    try:
        creature.keep_alive()
        fresh = lambda: [b for b in list(mac.bodies.values()) if b["seq"] > len(owed)]  # noqa: E731
        until(lambda: len(fresh()) >= 3, 90, creature)
        until(lambda: "database is whole" in creature.told.rpartition("awake ")[2], 60, creature)
        until(lambda: not creature.ids("outbox") & owed.keys(), 60, creature)
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
    now, told = _history(creature), Told(creature)
    gone = history.keys() - now.keys()
    altered = [id_ for id_ in history.keys() & now.keys() if now[id_] != history[id_]]
    missing, spoilt = _check_ins(mac, owed, told)
    silent = told.not_covering(len(gone), len(missing))
    if any(silent):
        sys.stderr.write(f"flip {number} of {target}: {missing} {gone}\n{creature.told}\n")
    return Counter(
        {
            f"mended {target}": "DATABASE MENDED" in creature.told,
            "check-ins lost, told": len(missing) - silent[1],
            "check-ins lost, not told": silent[1],
            "check-ins altered before they were sent": spoilt,
            "check-ins that were no JSON any more, and are kept": len(told.rejected),
            "rows lost, told": len(gone) - silent[0],
            "rows lost, not told": silent[0],
            "mends that say: nobody can count what is lost": not told.counts,
            "rows with values altered": sum(id_ > OLD for id_ in altered),
            "rows with values altered, older than the journal": sum(id_ <= OLD for id_ in altered),
            "files not whole": creature.ask("PRAGMA integrity_check") != [("ok",)],
            "duplicates": mac.conflicts,
            "interventions": 0,
            "milliseconds": int(took * 1000),
        }
    )


def _check_ins(mac, owed, told):
    """Which did not come and are not said by number; and how many came with other values."""
    came = list(mac.bodies.values())
    strange = [b for b in came if b["boot_id"] not in told.boots and b not in owed.values()]
    missing = {seq for seq, body in owed.items() if body not in came}
    seen_otherwise = missing & {body["seq"] for body in strange}
    left = sorted(missing - seen_otherwise - told.rejected)
    nameless = min(len(left), len(strange) - len(seen_otherwise))  # its own number was hit
    return left[nameless:], len(strange)


class Told:
    """What was said of a loss: by number, by count, or that there is no count."""

    def __init__(self, creature: Creature) -> None:
        said = creature.told
        self.boots = set(re.findall(r"^.*awake .*boot_id=(\S+)", said, re.MULTILINE))
        self.rejected = {int(seq) for seq in re.findall(r"check-in rejected seq=(\d+)", said)}
        events = creature.ask("SELECT data FROM events WHERE event_type = 'damage'")
        self._events = [json.loads(data) for (data,) in events]
        self._cut = said.count("the log ends in a commit that is not whole") > 0

    @property
    def counts(self) -> bool:
        """Whether each loss that the test looks at has a number."""
        return self._lost("drawing_history") + self._lost("outbox") < inf

    def not_covering(self, rows: int, check_ins: int) -> tuple[int, int]:
        """How many more are gone than was said."""
        rows = max(0, rows - self._lost("drawing_history"))
        check_ins = max(0, check_ins - self._lost("outbox"))
        # A commit of the log that was filled here is one row, or one check-in.
        if self._cut and rows + check_ins == 1:
            return 0, 0
        return rows, check_ins

    def _lost(self, table: str) -> float:
        if any(table in event["uncounted"] for event in self._events):
            return inf
        return sum(event["lost"].get(table, 0) for event in self._events)


def _move_in(path):
    """A home was copied: its journal is told that this is the file that it is of."""
    for file in noted.kept(path):
        head, rest = file.read_bytes().split(b"\n", 1)
        told = noted.read(head + b"\n") | {"inode": path.stat().st_ino}
        file.write_bytes(noted.as_line(told) + rest)


def _flip(rng, home, target):
    """One bit, some bytes, a sector or a page."""
    path = home / ("anima.db" if target == "outbox" else target)
    if target == "journal":
        path = noted.kept(home / "anima.db")[-1]
    if path.name == "anima.db":
        with closing(sqlite3.connect(path)) as db:  # else the log would hide what is flipped below
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        wal.beside(path).touch()  # we were never here
    content, then = bytearray(path.read_bytes()), path.stat()
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
    os.utime(path, ns=(then.st_atime_ns, then.st_mtime_ns))  # a card that forgets tells nobody
