"""Both sides as rows of one private SQLite file: memory stays small whatever their size.

What is told by the old stores and what is found in the house lie in tables of one shape, by the
key in the house. It goes with the run.
"""

import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from apps.legacy.verify.targets import TARGETS, Target

CACHE_KIB: Final = 8 << 10
"""As much again for each of two sorts."""
MADE: Final = """
CREATE TABLE edges (src TEXT, kind TEXT, dst TEXT, beside TEXT);
CREATE TABLE seen (file TEXT, part TEXT, name TEXT, PRIMARY KEY (file, part, name)) WITHOUT ROWID;
CREATE TABLE drawn (side TEXT, kind TEXT, key TEXT, digest BLOB, says TEXT);
CREATE TABLE places (id INTEGER PRIMARY KEY, label TEXT, key TEXT);
"""


class Told(NamedTuple):
    """One old row as the house should hold it."""

    key: str
    core: bytes
    """What makes it another row than one with the same key."""
    full: bytes
    name: str | None
    """Its own id there; null when any will do."""
    source: int
    at: int
    """Where it stands in that source: to read it again."""
    cells: str | None
    """Its values; null when they are read again."""


class Found(NamedTuple):
    """One row of the house."""

    key: str
    core: bytes
    full: bytes
    name: str | None
    ours: bool
    """It came out of an old store."""
    spoken: bool
    """The house has heard of it since: its word is its own."""
    cells: str | None


class Scratch:
    """The file."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db
        db.executescript(MADE)
        for target in TARGETS:
            columns = "key TEXT, core BLOB, full BLOB, name TEXT"
            db.execute(
                f"CREATE TABLE told_{target.query}"
                f" ({columns}, source INTEGER, at INTEGER, cells TEXT)"
            )
            db.execute(
                f"CREATE TABLE found_{target.query}"
                f" ({columns}, ours INTEGER, spoken INTEGER, cells TEXT)"
            )
        db.execute("BEGIN")

    def tell(self, target: Target, rows: Iterable[Told]) -> None:
        """What the old stores hold."""
        self._add(f"told_{target.query}", rows, 7)

    def find(self, target: Target, rows: Iterable[Found]) -> None:
        """What the house holds."""
        self._add(f"found_{target.query}", rows, 7)

    def told(self, target: Target) -> Iterator[Told]:
        """By key, each key's rows in the order in which they were told."""
        rows = self.db.execute(
            f"SELECT key, core, full, name, source, at, cells FROM told_{target.query}"  # noqa: S608  # a name of ours
            " ORDER BY key, source, at"
        )
        return (Told(*row) for row in rows)

    def found(self, target: Target) -> Iterator[Found]:
        """By key."""
        rows = self.db.execute(
            f"SELECT key, core, full, name, ours, spoken, cells FROM found_{target.query}"  # noqa: S608  # a name of ours
            " ORDER BY key, name"
        )
        return (Found(*row) for row in rows)

    def index(self, side: str, target: Target) -> None:
        """For looks at single keys."""
        name = f"{side}_{target.query}"
        self.db.execute(f"CREATE INDEX IF NOT EXISTS {name}_key ON {name} (key)")

    def cells(self, side: str, target: Target, key: str) -> str | None:
        """Of the first row of a key."""
        row = self.db.execute(
            f"SELECT cells FROM {side}_{target.query} WHERE key = ? LIMIT 1",  # noqa: S608  # names of ours
            (key,),
        ).fetchone()
        return None if row is None else str(row[0])

    def rows(self, sql: str, *values: Any) -> Iterator[tuple[Any, ...]]:
        """Of a query of its own."""
        return iter(self.db.execute(sql, values))

    def add(self, table: str, rows: Iterable[Sequence[Any]], width: int) -> None:
        """To a table of its own."""
        self._add(table, rows, width)

    def _add(self, table: str, rows: Iterable[Sequence[Any]], width: int) -> None:
        marks = ", ".join("?" * width)
        self.db.executemany(f"INSERT OR IGNORE INTO {table} VALUES ({marks})", rows)  # noqa: S608  # a name of ours


@contextmanager
def scratch() -> Iterator[Scratch]:
    """An empty one, in $TMPDIR, for nobody else's eyes."""
    with tempfile.TemporaryDirectory(prefix="abode-verify-") as room:
        db = sqlite3.connect(Path(room) / "both", isolation_level=None)
        try:
            db.execute("PRAGMA journal_mode = OFF")
            db.execute("PRAGMA synchronous = OFF")
            db.execute("PRAGMA temp_store = FILE")
            db.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
            yield Scratch(db)
        finally:
            db.close()
