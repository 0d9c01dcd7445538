"""A seeded anima.db with some days of drawing: the equations are the house's, the hand is ours.

The hand is simpler than the real one and stays as it is, so that what docs/eisv.md shows does not
change whenever the creature learns to draw better. Run it to have one: python FILE OUT.
"""

import gzip
import hashlib
import json
import sqlite3
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from apps.anima.equations import Attention, Eisv, Signals, gesture_entropy, step, switching_rate
from apps.migrate import runner
from apps.migrate.lines import line
from apps.queries import load
from apps.sqlite import as_row
from schemas.anima.tables import AnimaState, DrawingState, Event

ROOT = Path(__file__).parents[3]
BEGIN = datetime(2026, 11, 1, 6, 0, tzinfo=UTC)
EVERY_MARKS = 10
ERAS = {"gestural": (5, 14, 0.4), "pointillist": (3, 20, 0.5), "geometric": (16, 8, 0.6)}
"""Gestures, marks that one lasts, how much it is meant."""
ARCS = ((0.08, "opening", "exploring"), (0.7, "developing", "building"),
        (0.94, "resolving", "reflecting"), (2.0, "closing", "resting"))  # fmt: skip
SQL = load(ROOT / "apps" / "anima" / "queries.sql")


class Hand:
    """Draws piece after piece; the clock runs by itself."""

    def __init__(self, seed=7, begin=BEGIN):
        self.rng = Random(seed)
        self.now = begin
        self.number = 0

    def piece(self):
        """The recorded rows of one piece."""
        rng, eras = self.rng, list(ERAS)
        era = eras[self.number % len(eras)]
        self.number += 1
        known, lasts, meant = ERAS[era]
        length = rng.randrange(500, 1000, EVERY_MARKS)
        eisv, gestures, left, run = Eisv(), [], 0, 1
        for mark in range(1, length + 1):
            self.now += timedelta(seconds=round(rng.expovariate(1 / 12), 3) + 1)
            if not left:
                gesture, left = f"g{rng.randrange(known)}", rng.randint(lasts // 2, lasts)
                run, is_locked = left, rng.random() < meant
            left -= 1
            signals = Signals(
                intentionality=0.15 + 0.4 * is_locked + 0.25 * left / run,
                gesture_entropy=gesture_entropy(gestures, known),
                switching_rate=switching_rate(gestures),
            )
            eisv, C = step(eisv, signals)
            gestures = [*gestures, gesture][-20:]
            if mark % EVERY_MARKS == 0:
                yield self._row(eisv, C, signals, mark, length=length, era=era)

    def _row(self, eisv, C, signals, mark, *, length, era):
        share = mark / length
        arc, phase = next((arc, phase) for upto, arc, phase in ARCS if share < upto)
        tired = Attention(curiosity=1 - 0.8 * share, engagement=0.5, fatigue=0.8 * share)
        return DrawingState(
            timestamp=self.now, E=eisv.E, I=eisv.I, S=eisv.S, V=eisv.V, C=C, marks=mark,
            phase=phase, era=era, arc_phase=arc, energy=tired.energy, curiosity=tired.curiosity,
            engagement=tired.engagement, fatigue=tired.fatigue,
            gesture_entropy=signals.gesture_entropy, switching_rate=signals.switching_rate,
            intentionality=signals.intentionality,
        )  # fmt: skip


def feelings(begin, end, seed=7):
    """A row of state_history a minute, from one instant to another."""
    rng, now = Random(seed), begin
    while now < end:
        day = (now.hour * 60 + now.minute) / 1440
        warmth = 0.4 + 0.2 * day + rng.uniform(-0.02, 0.02)
        yield AnimaState(
            timestamp=now, warmth=warmth, clarity=0.7, stability=0.9, presence=0.85,
            sensors={"cpu_temp_c": round(45 + 10 * warmth, 2), "memory_percent": 31.5},
        )  # fmt: skip
        now += timedelta(seconds=60)


def empty(path):
    """A migrated anima.db."""
    runner.apply(line("anima"), str(path))
    return path


def put(path, *rows):
    """Append rows of any of the three tables, as the store does."""
    queries = {DrawingState: "add_drawing_state", AnimaState: "add_state", Event: "add_event"}
    with closing(sqlite3.connect(path)) as db, db:
        for row in rows:
            db.execute(SQL[queries[type(row)]], as_row(row))


def nights(path, days=3, seed=7):
    """Some days of drawing and feeling, with a sleep every night from 22:00 to 06:00."""
    hand = Hand(seed)
    rows = []
    for day in range(days):
        dawn = BEGIN + timedelta(days=day)
        dusk = dawn + timedelta(hours=16)
        rows.append(Event(timestamp=dawn, event_type="wake"))
        hand.now = dawn
        while hand.now < dusk - timedelta(hours=4):
            rows += hand.piece()
        rows += feelings(dawn, dusk, seed + day)
        rows.append(Event(timestamp=dusk, event_type="sleep"))
    put(empty(path), *rows)
    return path


def archived(path, folder, *, before, delete=True, table="drawing_history"):
    """Move the rows of the days before one into archives, a file a day; gives the files."""
    made = []
    with closing(sqlite3.connect(path)) as db, db:
        columns = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
        days = db.execute(
            f"SELECT DISTINCT substr(timestamp, 1, 10) FROM {table} WHERE timestamp < ? ORDER BY 1",
            (before,),
        ).fetchall()
        for (day,) in days:
            rows = db.execute(
                f"SELECT {', '.join(columns)} FROM {table} WHERE timestamp LIKE ? ORDER BY id",
                (f"{day}%",),
            ).fetchall()
            made.append(archive(folder, table, day, columns, rows))
            if delete:
                db.execute(f"DELETE FROM {table} WHERE timestamp LIKE ?", (f"{day}%",))
    return made


def archive(folder, table, day, columns, rows):
    """One file and its manifest, as the Pi writes them."""
    text = "".join(",".join(cells) + "\r\n" for cells in (columns, *(map(cell, r) for r in rows)))
    packed = folder / table / f"{table}-{day}.csv.gz"
    packed.parent.mkdir(parents=True, exist_ok=True)
    packed.write_bytes(gzip.compress(text.encode(), mtime=0))
    instants = sorted(row[1] for row in rows)
    manifest = {
        "table": table, "day": day, "columns": columns, "rows": len(rows),
        "first_id": rows[0][0], "last_id": rows[-1][0],
        "from_at": instants[0], "upto_at": instants[-1],
        "sha256": hashlib.sha256(text.encode()).hexdigest(), "size_bytes": len(text.encode()),
        "schema_version": 8, "made_at": "2026-11-29T00:00:00+00:00", "held_until": None,
    }  # fmt: skip
    (folder / table / f"{table}-{day}.json").write_text(json.dumps(manifest))
    return packed


def cell(value):
    """RFC 4180: floats by repr, NULL empty, text always quoted."""
    if value is None:
        return ""
    if isinstance(value, str):
        return '"' + value.replace('"', '""') + '"'
    return repr(value)


if __name__ == "__main__":
    nights(Path(sys.argv[1]))
