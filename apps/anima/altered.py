"""Rows with other values than were committed: SQLite cannot see a flipped bit there, we can."""

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

from apps.anima import noted
from apps.anima.noted import Row

SETTLE_SECONDS = 2.0
"""So long after a first look a row that is just being written is written."""


def altered(db: sqlite3.Connection, path: Path, pause: Callable[[float], object]) -> str | None:
    """The first row that is not as the journal has it; None if there is none, or none can tell.

    The journal is read from its end, a file at a time, and a line at a time: that costs no memory.
    ``pause`` is called with 0 after each line.
    """
    try:
        suspects = {key for key, row in _newest_first(path, pause) if not _is_so(db, key, row)}
        if not suspects:
            return None
        pause(SETTLE_SECONDS)
        rows, is_whole = noted.last(noted.kept(path), suspects)
    except FileNotFoundError:  # it began anew
        return None
    left = [key for key, row in rows.items() if not _is_so(db, key, row)] if is_whole else []
    return f"{len(left)} rows are not as committed: {' '.join(map(str, left[0]))}" if left else None


def _is_so(db: sqlite3.Connection, key: tuple[str, int], row: Row) -> bool:
    """A row that is gone is for whoever counts: an archive may have it."""
    gone = f"SELECT 1 FROM main.{key[0]} WHERE rowid = ?"  # noqa: S608  names of our own schema
    if row.values is None or not db.execute(gone, (key[1],)).fetchone():
        return True
    return noted.is_so(db, *key, row)


def _newest_first(
    path: Path, pause: Callable[[float], object]
) -> Iterator[tuple[tuple[str, int], Row]]:
    """Each row that changed, as it was last."""
    seen: defaultdict[str, set[int]] = defaultdict(set)
    for file in reversed(noted.kept(path)):
        at: dict[tuple[str, int], int] = {}
        for place, told in enumerate(noted.lines(file, b"[")):
            at |= {(table, number): place for table, number, _ in told or ()}
            pause(0)
        columns: dict[str, list[str]] = {}
        for place, told in enumerate(noted.lines(file)):
            if isinstance(told, dict):
                columns = told.get("columns", columns)
                continue
            for table, number, values in told or ():
                if at.get((table, number)) == place and number not in seen[table]:
                    yield (table, number), Row(columns[table], values)
            pause(0)
        for table, number in at:
            seen[table].add(number)
