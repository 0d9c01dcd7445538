"""kill -9 at any microsecond of a real process: in a commit, in a checkpoint, while it starts."""

import shutil
import sqlite3
import struct
import sys
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import NamedTuple

import pytest

from apps.anima.finished import Finished
from tests.unit.anima.faults.creature import Creature, Mac, amount, tell, until
from tests.unit.anima.test_gallery import read_png

KILLS = amount("ABODE_ANIMA_KILLS", 24)
HOMES = 4
SEED = 20261129
TABLES = ("drawing_history", "state_history", "events", "drawing_records")
MOVED = ("started_at", "finished_at")
"""Numbers of a piece that its row learns better when the clock is known; its picture stays."""
CANVAS_FULL = "100"
"""Pixels of a piece: one is finished about once a second."""


class Life(NamedTuple):
    """What one home went through."""

    kills: int
    committed: int
    lost: int
    interventions: int
    pieces: int
    spoilt: list[str]
    recoveries: list[float]


@pytest.fixture
def macs():
    """One Mac for each creature."""
    made = [Mac() for _ in range(HOMES)]
    yield made
    for mac in made:
        mac.close()


def test_a_thousand_kills_lose_nothing_that_was_committed(memory, migrated, macs, capsys):
    """Seen from outside: rows that a reader saw stay, check-ins arrive once, nobody has to come."""
    with ThreadPoolExecutor(HOMES) as pool:
        lives = list(
            pool.map(lambda n: _killed(memory / str(n), migrated, macs[n], n), range(HOMES))
        )
    times = sorted(second for life in lives for second in life.recoveries)
    table = {
        "kills": sum(life.kills for life in lives),
        "rows and check-ins seen committed": sum(life.committed for life in lives),
        "lost": sum(life.lost for life in lives),
        "finished pieces with their pictures": sum(life.pieces for life in lives),
        "pieces without, or with another's": sum(len(life.spoilt) for life in lives),
        "duplicates": sum(mac.conflicts for mac in macs),
        "repeats that the Mac knew": sum(mac.repeats for mac in macs),
        "interventions": sum(life.interventions for life in lives),
        "recovery p50 s": round(times[len(times) // 2], 2),
        "recovery p99 s": round(times[min(len(times) - 1, len(times) * 99 // 100)], 2),
    }
    tell(capsys, table)

    assert table["kills"] == KILLS // HOMES * HOMES
    assert table["lost"] == table["duplicates"] == table["interventions"] == 0
    assert [fault for life in lives for fault in life.spoilt] == []
    assert table["finished pieces with their pictures"] >= max(HOMES, KILLS // 10)
    assert table["rows and check-ins seen committed"] > KILLS


def _killed(home, migrated, mac, number):
    home.mkdir()
    shutil.copy(migrated, home / "anima.db")
    creature = Creature(home, mac.url, CANVAS_FULL=CANVAS_FULL)
    try:
        return _life(creature, mac, number)
    finally:
        creature.end()


def _life(creature, mac, number):
    rng = Random(SEED + number)
    seen = {table: set() for table in (*TABLES, "outbox")}
    recoveries, lost = [], 0
    for _ in range(KILLS // HOMES):
        began = time.monotonic()
        creature.start()
        creature.starts = 0
        awakenings = len(seen["events"])
        if rng.random() < 0.15:
            time.sleep(rng.uniform(0, 0.8))  # while it starts
        else:
            until(lambda n=awakenings: _look(creature, seen) and len(seen["events"]) > n)
            recoveries.append(time.monotonic() - began)
            end = time.monotonic() + rng.uniform(0, 0.6)
            while time.monotonic() < end:
                _look(creature, seen)
                time.sleep(rng.uniform(0, 0.02))
        creature.kill()
        lost += sum(len(seen[table] - creature.ids(table)) for table in TABLES)
    awake = creature.told.count("awake ")
    creature.start()
    until(lambda: creature.told.count("awake ") > awake, creature=creature)
    until(lambda: _look(creature, seen) and len(mac.seqs) >= 3, creature=creature)
    until(lambda: seen["outbox"] <= mac.seqs, creature=creature)
    until(lambda: _look(creature, seen) and seen["drawing_records"], creature=creature)
    is_clean = creature.stop() == 0
    lost += sum(len(seen[table] - creature.ids(table)) for table in TABLES)
    waiting = creature.ids("outbox")
    highest = max(mac.seqs | waiting)
    lost += len(set(range(1, highest + 1)) - mac.seqs - waiting)
    assert creature.ask("PRAGMA integrity_check") == [("ok",)]
    committed = sum(len(seen[table]) for table in TABLES) + highest
    help_ = (not is_clean) + creature.told.count("Traceback") + creature.told.count("DAMAGED")
    if help_:
        sys.stderr.write(f"home {number}: clean {is_clean}\n{creature.told[-4000:]}\n")
    spoilt = list(_spoilt(creature))
    return Life(
        KILLS // HOMES, committed, lost, help_, len(seen["drawing_records"]), spoilt, recoveries
    )


def _spoilt(creature):
    """What is wrong with the picture of each recorded piece, opened by the book."""
    names = Finished._fields
    for row in creature.ask(f"SELECT {', '.join(names)} FROM drawing_records"):
        told = dict(zip(names, row, strict=True))
        if told["file"] is None:
            if "picture not kept" not in creature.told:
                yield f"{told['piece_uid']}: has no picture, and nothing was said"
            continue
        try:
            pixels, texts = read_png((creature.home / "drawings" / told["file"]).read_bytes())
        except (OSError, AssertionError, zlib.error, struct.error) as error:
            yield f"{told['file']}: {error}"
            continue
        plain = b"".join(pixels)
        painted = sum(any(plain[at : at + 3]) for at in range(0, len(plain), 3))
        if painted != told["pixels"]:
            yield f"{told['file']}: {painted} pixels, {told['pixels']} recorded"
        for name in names:
            said = type(told[name])(texts[name])
            if name not in MOVED and said != told[name]:
                yield f"{told['file']}: {name} {texts[name]}, {told[name]} recorded"


def _look(creature, seen):
    """What is committed now, so far as it was not seen before."""
    try:
        for table, ids in seen.items():
            last = 0 if table == "outbox" or not ids else max(ids)
            ids |= {i for (i,) in creature.ask(f"SELECT id FROM {table} WHERE id > {last}")}
    except sqlite3.OperationalError:
        return False  # it is just being opened
    return True
