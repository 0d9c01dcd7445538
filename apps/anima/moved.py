"""A backup's rows have the times from before a re-timing: what was moved since is moved in them."""

import sqlite3

from apps.anima.clock import instant
from apps.anima.log import say
from apps.anima.retiming import STAMPS, moved_by
from apps.sqlite import as_text

ROWS_AT_ONCE = 1_000
"""Moved in one transaction: what undoes it lies in memory."""
DONE = "SELECT id, next_id FROM main.clock_shifts"
SHIFTS = """
SELECT s.id, s.table_name, s.from_id, s.next_id, s.upto_id, s.shift_microseconds,
       CAST(b.began_monotonic_seconds * 1000000 AS INTEGER) + b.offset_microseconds
       - (SELECT sum(later.shift_microseconds) FROM main.clock_shifts AS later
           WHERE later.kernel_boot_id = s.kernel_boot_id AND later.table_name = s.table_name
             AND later.id >= s.id) AS began
  FROM main.clock_shifts AS s LEFT JOIN main.clock_boots AS b USING (kernel_boot_id)
 WHERE s.shift_microseconds <> 0 ORDER BY s.id
"""
"""With the start of the boot as the rows had it that were not moved yet."""


def done(db: sqlite3.Connection) -> dict[int, int]:
    """Which row is next in each shift; a file that is older than the clock has none."""
    there = db.execute("SELECT 1 FROM main.sqlite_schema WHERE name = 'clock_shifts'").fetchone()
    return dict(db.execute(DONE).fetchall()) if there else {}


def catch_up(db: sqlite3.Connection, before: dict[int, int]) -> None:
    """Move the rows that were moved since ``before``, which is what was ``done`` in their times.

    The shifts are newer than the rows. One that went further before has still gone so far.
    """
    db.create_function("moved_by", 2, _moved_by, deterministic=True)
    for number, following in before.items():
        further = "UPDATE main.clock_shifts SET next_id = ? WHERE id = ? AND next_id < ?"
        db.execute(further, (following, number, following))
    for number, table, first, following, upto, shift, began in db.execute(SHIFTS).fetchall():
        if table in STAMPS:
            ids = max(first, before.get(number, first)), min(following - 1, upto)
            _move(db, table, ids, {"shift": shift, "began": _text(began)})


def _move(
    db: sqlite3.Connection, table: str, ids: tuple[int, int], by: dict[str, int | str | None]
) -> None:
    """A piece that was begun in an earlier boot keeps that time, as when the clock moves it."""
    stamp, (low, high) = STAMPS[table], ids
    move = f"{stamp} = moved_by({stamp}, :shift)"
    if table == "drawing_records":
        started = "iif(started_at >= :began, moved_by(started_at, :shift), started_at)"
        move += f", started_at = min({started}, moved_by({stamp}, :shift))"
    update = f"UPDATE main.{table} SET {move} WHERE rowid BETWEEN :low AND :high"  # noqa: S608  ours
    some = f"SELECT rowid FROM main.{table} WHERE rowid BETWEEN ? AND ? ORDER BY rowid LIMIT ?"  # noqa: S608
    while rows := db.execute(some, (low, high, ROWS_AT_ONCE)).fetchall():
        last = rows[-1][0]
        db.execute(update, {**by, "low": low, "high": last})
        low = last + 1


def _moved_by(stamp: str, shift: int) -> str:
    """What is no time, or would be none any more, stays."""
    try:
        return moved_by(stamp, shift)
    except (ValueError, OverflowError) as error:
        say("time not moved", stamp=stamp, cause=error)
        return stamp


def _text(began: int | None) -> str | None:
    """None if the boot is not known, or damage moved its start out of the calendar."""
    try:
        return None if began is None else as_text(instant(began))
    except OverflowError:
        return None
