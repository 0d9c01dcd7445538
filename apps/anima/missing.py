"""Rows that a mended file has not, by the numbers that were given: silence is no proof of none."""

import sqlite3
from collections import Counter
from collections.abc import Mapping

from apps.anima.salvage import MARGIN, TABLES, given
from apps.anima.transaction import is_passing
from apps.sqlite import MALFORMED

COUNTED = ("events", "drawing_history", "state_history", "trajectory_events")
"""Tables of which every number that was ever given was a row's, and only the oldest rows leave."""
HERE = """
SELECT coalesce(sum(gap % {1}), 0), coalesce(max(id), 0)
  FROM (SELECT id, id - lag(id) OVER (ORDER BY id) - 1 AS gap FROM main.{0})
"""
TOLD = """
SELECT coalesce(sum(CASE WHEN json_valid(data) THEN json_extract(data, '$.lost.{0}') END), 0)
  FROM main.events WHERE event_type = 'damage'
"""


def missing(db: sqlite3.Connection, archived: Mapping[str, int]) -> tuple[Counter[str], set[str]]:
    """Rows that no damage event told of yet, by table; and the tables of which nobody knows.

    ``db`` is whole again and its numbers are not yet raised; what was salvaged is still attached.
    A number is behind the last row here and the last archived one, or between two rows.
    """
    counts, unknown = Counter[str](), set[str]()
    for table in COUNTED:
        between, last = db.execute(HERE.format(table, MARGIN)).fetchone()
        highest = given(db, table)
        if highest is None or highest < last:
            unknown.add(table)
            highest = last
        behind = max(highest - max(last, archived.get(table, 0)), 0) % MARGIN
        (told,) = db.execute(TOLD.format(table)).fetchone()
        counts[table] = max(between + behind - told, 0)
    return counts, unknown | _not_whole(db) | _not_to_the_last(db)


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
