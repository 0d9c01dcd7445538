"""Rows with other values than were committed: SQLite cannot see a flipped bit there, we can."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

from apps.anima import noted
from apps.anima.noted import Noted, Row

SETTLE_SECONDS = 2.0
"""Between two looks: what was just written is then in the database, or told anew."""


def altered(db: sqlite3.Connection, path: Path, pause: Callable[[float], object]) -> str | None:
    """The first row that is not as the journal has it; None if there is none, or none can tell.

    ``pause`` is called with 0 now and then.
    """
    end = noted.ending(path)
    if end is None or end.inode != path.stat().st_ino:
        return None  # it is of the file that was here before
    suspects = _unlike(db, path, pause)
    if suspects:
        pause(SETTLE_SECONDS)
        again = _unlike(db, path, pause)
        suspects = {key: row for key, row in suspects.items() if again.get(key) == row}
    if not suspects:
        return None
    table, key = next(iter(suspects))
    return f"{len(suspects)} rows are not as committed: {table} {key}"


def _unlike(
    db: sqlite3.Connection, path: Path, pause: Callable[[float], object]
) -> dict[tuple[str, object], Row]:
    """Rows with other values, by table and key.

    Not one that is gone: that is for whoever counts, and an archive may have it. Nor what the last
    line tells: it is being committed.
    """
    told = Noted(path, lambda: pause(0))
    found = {}
    for row in told.rows() if told.is_whole else ():
        if row.values is None or row.is_last:
            continue
        ask = f"SELECT 1 FROM main.{row.table} WHERE {row.columns[0]} = ?"  # noqa: S608  ours
        if db.execute(ask, (row.key,)).fetchone() and not noted.is_so(db, row):
            found[row.table, row.key] = row
    return found
