"""Rows out of a damaged file into a whole one: range by range, down to single rows."""

import sqlite3
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from apps.anima.moved import catch_up, done
from apps.anima.transaction import is_passing
from apps.sqlite import MALFORMED

HISTORY = ("events", "drawing_history", "state_history", "trajectory_events", "primitive_history")
"""Rows of which only the time ever changes: what the backup has of them is not replaced."""
CLOCK = ("clock_boots", "clock_shifts")
"""Say by how much the times of the backup's rows are to be moved, and so come before all."""
FIRST = ("outbox", "outbox_rejected", "outbox_gaps", "identity")
MARGIN = 1_000_000
"""Ids go on so far above the highest that can still be read: two years of check-ins, one a minute.
None is given twice, though the newest may be unreadable; governance takes the seq for an order."""
TRIES = 4_000
"""Failed reads of one table, after which the rest of it is given up."""
HIGHEST = 2**53
"""A number beyond it is damage."""
TABLES = """
SELECT name FROM {0}.sqlite_schema
 WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!' AND name NOT LIKE '!_%' ESCAPE '!'
   AND name <> 'yoyo_lock'
"""


class Salvaged(NamedTuple):
    """Rows by table: taken over, and not readable or not fit to be taken."""

    rows: Counter[str]
    lost: Counter[str]
    uncounted: set[str]
    """Tables of which nothing tells how many rows there were: more may be lost than ``lost``."""

    @classmethod
    def nothing(cls) -> "Salvaged":
        """There was no file to read."""
        return cls(Counter(), Counter(), set())


def salvage(db: sqlite3.Connection, source: Path) -> Salvaged:
    """Take over what can be read of ``source``; ``db`` is whole, and of the present schema.

    What ``db`` has stays, though ``source`` has it no longer: damage may look like a table with
    fewer rows. A check-in that comes back so is sent again, and governance knows it.
    Each statement is a transaction: one in which a read met damage could not be committed.
    """
    found = Salvaged.nothing()
    tables = sorted(
        (name for (name,) in db.execute(TABLES.format("main"))),
        key=lambda name: FIRST.index(name) if name in FIRST else len(FIRST),
    )
    try:
        db.execute("ATTACH ? AS damaged", (f"file:{quote(str(source))}?mode=ro",))
        db.execute("SELECT count(*) FROM damaged.sqlite_schema").fetchone()
    except MALFORMED as error:
        if is_passing(error):
            raise
        found.lost.update(tables)
        found.uncounted.update(tables)
    else:
        before = done(db)
        for table in CLOCK:
            _table(db, table, found)
        catch_up(db, before)
        for table in tables:
            if table not in CLOCK:
                _table(db, table, found)
    return found


def raise_ids(db: sqlite3.Connection, archived: Mapping[str, int]) -> None:
    """No id that was ever given is given again; ``archived`` has the highest by table.

    What ``salvage`` read is asked, too, if there was anything.
    """
    for (table,) in db.execute(TABLES.format("main")).fetchall():
        if not _counts(db, table):
            continue
        ours = db.execute(
            "SELECT seq FROM main.sqlite_sequence WHERE name = ?", (table,)
        ).fetchone()
        best = max(_highest(db, table), ours[0] if ours else 0, archived.get(table, 0))
        db.execute("DELETE FROM main.sqlite_sequence WHERE name = ?", (table,))
        add = "INSERT INTO main.sqlite_sequence (name, seq) VALUES (?, ?)"
        db.execute(add, (table, best + MARGIN))


def _table(db: sqlite3.Connection, table: str, found: Salvaged) -> None:
    try:
        columns = _columns(db, table)
        if not columns:
            found.uncounted.add(table)
            return
        high = _highest(db, table)
    except MALFORMED as error:
        if is_passing(error):
            raise
        found.lost[table] += 1
        found.uncounted.add(table)
        return
    before = db.total_changes
    _rows(db, table, columns, high, found.lost)
    found.rows[table] = db.total_changes - before


def _rows(db: sqlite3.Connection, table: str, columns: str, high: int, lost: Counter[str]) -> None:
    """Whatever a range holds at once; a range that cannot be read, in halves."""
    is_kept = table in HISTORY
    copy = (
        f"INSERT {'' if is_kept else 'OR REPLACE'} INTO main.{table} ({columns})"  # noqa: S608  ours
        f" SELECT {columns} FROM damaged.{table} NOT INDEXED WHERE rowid BETWEEN ? AND ?"
        f" {'ON CONFLICT DO NOTHING' if is_kept else ''}"
    )
    ranges, tries = [(1, high)] if high else [], 0
    while ranges:
        low, high = ranges.pop()
        try:
            db.execute(copy, (low, high))
        except (sqlite3.Error, UnicodeDecodeError) as error:
            if is_passing(error):
                raise
            tries += 1
            if low == high or tries > TRIES:
                lost[table] += high - low + 1
                continue
            middle = (low + high) // 2
            ranges += [(middle + 1, high), (low, middle)]


def _columns(db: sqlite3.Connection, table: str) -> str:
    """The columns that both have, as the present schema orders them."""
    ask = "SELECT name FROM pragma_table_info(?, ?)"
    there = {name for (name,) in db.execute(ask, (table, "damaged"))}
    return ", ".join(name for (name,) in db.execute(ask, (table, "main")) if name in there)


def _highest(db: sqlite3.Connection, table: str) -> int:
    """The last row, as far as anything still tells; a little beyond it if nothing reliable does."""
    last, counted, ours = (
        _told(db, f"SELECT max(rowid) FROM damaged.{table}"),  # noqa: S608
        given(db, table),
        _told(db, f"SELECT max(rowid) FROM main.{table}"),  # noqa: S608
    )
    best = max(last or 0, counted or 0, ours or 0)
    is_known = last is not None or counted or (counted == 0 and _counts(db, table))
    return best if is_known else best + TRIES


def given(db: sqlite3.Connection, table: str) -> int | None:
    """The last number that the damaged file gave, by its own count; None if it does not tell."""
    return _told(db, f"SELECT seq FROM damaged.sqlite_sequence WHERE name = '{table}'")  # noqa: S608


def _counts(db: sqlite3.Connection, table: str) -> bool:
    """Whether its ids are counted in sqlite_sequence: then no row there is no row ever."""
    ask = "SELECT sql LIKE '%AUTOINCREMENT%' FROM main.sqlite_schema WHERE name = ?"
    return bool(db.execute(ask, (table,)).fetchone()[0])


def _told(db: sqlite3.Connection, ask: str) -> int | None:
    """One number; None if it cannot be read or cannot be true."""
    try:
        row = db.execute(ask).fetchone()
    except MALFORMED as error:
        if is_passing(error):
            raise
        return None
    told = row[0] if row else 0
    return int(told or 0) if told is None or 0 <= told < HIGHEST else None
