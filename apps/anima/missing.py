"""Rows that a mended file has not, by the numbers that were given: silence is no proof of none."""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from apps.anima.backups import CHANGING
from apps.anima.salvage import MARGIN, TABLES, given
from apps.anima.transaction import is_passing
from apps.sqlite import MALFORMED

COUNTED = ("events", "drawing_history", "state_history", "trajectory_events")
"""Tables of which every number that was ever given was a row's, and only the oldest rows leave."""
GAPS = """
SELECT before + 1, id - 1 FROM (SELECT id, lag(id) OVER (ORDER BY id) AS before FROM main.{0})
 WHERE id > before + 1
"""
LAST = "SELECT coalesce(max(id), 0) FROM main.{0}"
SEQ = "SELECT seq FROM main.sqlite_sequence WHERE name = ?"
TOLD = """
SELECT json_extract(span.value, '$[0]'), json_extract(span.value, '$[1]')
  FROM main.events, json_each(iif(json_valid(data), data, '{{}}'), '$.gaps.{0}') AS span
 WHERE event_type = 'damage'
"""
GAPS_LIMIT = 100
"""Of one table, in one event."""

Spans = list[tuple[int, int]]
"""Numbers from the first to the last of each, both with it."""


class Missing(NamedTuple):
    """Rows that no damage event told of yet, by table; and the tables of which nobody knows."""

    rows: Counter[str]
    gaps: dict[str, Spans]
    uncounted: set[str]

    @classmethod
    def unknown(cls) -> "Missing":
        """There is nothing that could tell."""
        return cls(Counter(), {}, {*COUNTED, *CHANGING})


def missing(db: sqlite3.Connection, archived: Mapping[str, Spans]) -> Missing:
    """What is between two rows, or behind the last, and neither archived nor told before.

    ``db`` is whole again and its numbers are not yet raised; what was salvaged is still attached.
    """
    found = Missing(Counter(), {}, _not_whole(db) | _not_to_the_last(db))
    for table in COUNTED:
        there = archived.get(table, [])
        (last,) = db.execute(LAST.format(table)).fetchone()
        highest = given(db, table)
        if highest is None or highest < last:
            found.uncounted.add(table)
            highest = last
        gaps: Spans = db.execute(GAPS.format(table)).fetchall()
        gaps.append((max([last, *(end for _, end in there)]) + 1, highest))
        told = db.execute(TOLD.format(table)).fetchall()
        gaps = [gap for gap in without(gaps, [*there, *told]) if _size(gap)]
        found.rows[table] = sum(map(_size, gaps))
        if gaps:
            found.gaps[table] = gaps[:GAPS_LIMIT]
        if len(gaps) > GAPS_LIMIT:
            found.uncounted.add(table)
    return found


def let_go(db: sqlite3.Connection, found: Missing) -> dict[str, list[list[int]]]:
    """The numbers that are told of from now on: what is missing, and what the raise passed over."""
    told = {}
    for table in COUNTED:
        (last,) = db.execute(LAST.format(table)).fetchone()
        (seq,) = db.execute(SEQ, (table,)).fetchone()
        told[table] = [list(gap) for gap in [*found.gaps.get(table, ()), (last + 1, seq)]]
    return told


def without(spans: Iterable[tuple[int, int]], others: Iterable[tuple[int, int]]) -> Spans:
    """What is left of spans when others are taken out."""
    left = [(first, last) for first, last in spans if first <= last]
    for low, high in others:
        pieces = [((f, min(t, low - 1)), (max(f, high + 1), t)) for f, t in left]
        left = [(f, t) for pair in pieces for f, t in pair if f <= t]
    return left


def _size(span: tuple[int, int]) -> int:
    """A mend lets so many numbers go that were never given."""
    return (span[1] - span[0] + 1) % MARGIN


def _not_whole(db: sqlite3.Connection) -> set[str]:
    """Tables whose numbers leave in any order: one with a damaged page may have had more rows."""
    found = set()
    for (table,) in db.execute(TABLES.format("main")).fetchall():
        try:
            said = db.execute(f"PRAGMA damaged.quick_check({table})").fetchone()[0]
        except MALFORMED as error:
            if is_passing(error):
                raise
            said = error
        if table not in COUNTED and said != "ok":
            found.add(table)
    return found


def _not_to_the_last(db: sqlite3.Connection) -> set[str]:
    """The outbox, if any waits but not the newest: it leaves after all others."""
    (last,) = db.execute("SELECT max(id) FROM main.outbox").fetchone()
    highest = given(db, "outbox")
    return {"outbox"} if highest is None or (last and last < highest) else set()
