"""A fence around the old files: while the house is the writer, nobody else writes there.

Of a database by triggers that refuse, in plain SQL, so that the old server's own writes fail,
loudly and at once; of a file of lines by its mode. Who has such a file open already is not stopped:
what it appends is told by ``status``, and taken when the old files are followed again.
"""

import os
import sqlite3
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from apps.legacy.source import opened
from apps.legacy.triggers import FENCE, written
from schemas.legacy.tables import TABLES

SAYS: Final = "abode: the new house is the writer, see abode legacy status"
WORDS: Final = ("INSERT", "UPDATE", "DELETE")
FENCED: Final = frozenset(table.name for table in TABLES if table.fate == "moves")
WRITES: Final = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


def close(path: Path) -> None:
    """From this commit on every write to its tables fails."""
    with written(path) as db:
        db.execute("BEGIN IMMEDIATE")
        raise_again(db)
        db.execute("COMMIT")


def open_again(path: Path) -> None:
    """As it was before."""
    with written(path) as db:
        db.execute("BEGIN IMMEDIATE")
        lift(db)
        db.execute("COMMIT")


def is_closed(path: Path) -> bool:
    """Whether every table that moves has its fence."""
    with opened(path) as db:
        there, wanted = set(_raised(db)), {f"{FENCE}{t}_{w}" for t in _tables(db) for w in WORDS}
    return bool(wanted) and wanted <= there


def raise_again(db: sqlite3.Connection) -> None:
    """In the caller's transaction."""
    there = set(_raised(db))
    for table in _tables(db):
        for word in WORDS:
            if f"{FENCE}{table}_{word}" not in there:
                db.execute(
                    f'CREATE TRIGGER "{FENCE}{table}_{word}" BEFORE {word} ON "{table}"'
                    f" BEGIN SELECT RAISE(ABORT, '{SAYS}'); END"
                )


def lift(db: sqlite3.Connection) -> None:
    """In the caller's transaction."""
    for name in _raised(db):
        db.execute(f'DROP TRIGGER "{name}"')


def modes(files: Sequence[Path]) -> dict[str, int]:
    """Of files that somebody may write."""
    found = {str(path): stat.S_IMODE(path.stat().st_mode) for path in files}
    return {path: mode for path, mode in found.items() if mode & WRITES}


def lines_close(files: Sequence[Path]) -> None:
    """Nobody opens them for writing any more, but for root."""
    for path in files:
        path.chmod(stat.S_IMODE(path.stat().st_mode) & ~WRITES)


def lines_open(modes: dict[str, int]) -> None:
    """With the modes that they had."""
    for path, mode in modes.items():
        if os.path.lexists(path):
            Path(path).chmod(mode)


def _raised(db: sqlite3.Connection) -> Iterator[str]:
    found = db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' ORDER BY name")
    yield from (name for (name,) in found.fetchall() if name.startswith(FENCE))


def _tables(db: sqlite3.Connection) -> list[str]:
    found = db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    return [name for (name,) in found.fetchall() if name in FENCED]
