"""Columns of an SQLite table, and how one that somebody else made may differ from ours."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from apps.queries import load

SQL: Final = load(Path(__file__).with_name("adopt.sql"))


@dataclass(frozen=True, slots=True)
class Column:
    """A column as PRAGMA table_xinfo tells it."""

    name: str
    type: str
    not_null: bool
    otherwise: str | None
    pk: int
    hidden: int

    @property
    def affinity(self) -> str:
        """What SQLite makes of the declared type (datatype3.html, 3.1)."""
        said = self.type.upper()
        for words, affinity in (
            (("INT",), "INTEGER"),
            (("CHAR", "CLOB", "TEXT"), "TEXT"),
            (("BLOB",), "BLOB"),
            (("REAL", "FLOA", "DOUB"), "REAL"),
        ):
            if any(word in said for word in words):
                return affinity
        return "NUMERIC" if said else "BLOB"

    @property
    def is_rowid(self) -> bool:
        """Whether it may be left out: SQLite gives the next number."""
        return self.pk == 1 and self.type.upper() == "INTEGER"

    @property
    def can_be_added(self) -> bool:
        """Whether SQLite adds it by changing the schema alone."""
        return not self.pk and (not self.not_null or self.otherwise is not None)

    @property
    def definition(self) -> str:
        """As ALTER TABLE takes it."""
        must = " NOT NULL" if self.not_null else ""
        return f"{self.name} {self.type}{must}" + (
            "" if self.otherwise is None else f" DEFAULT {self.otherwise}"
        )


def columns(db: sqlite3.Connection, table: str) -> dict[str, Column]:
    """By name in small letters: to SQLite they are the same."""
    rows = db.execute(SQL["columns"], {"table": table})
    found = (Column(name, kind, bool(must), *rest) for name, kind, must, *rest in rows)
    return {column.name.lower(): column for column in found}


def faults(table: str, ours: Column | None, it: Column, nulls: int) -> Iterator[str]:
    """A column may allow null where ours does not, as long as nothing in it is."""
    name = f"{table}.{(ours or it).name}"
    if it.hidden:
        yield f"{name}: is computed, and may fail where we write"
    elif ours:
        yield from _differs(name, ours, it, nulls)
    elif it.not_null and it.otherwise is None:
        yield f"{name}: is unknown to us, and every row must have it"


def _differs(name: str, ours: Column, it: Column, nulls: int) -> Iterator[str]:
    if it.name != ours.name:
        yield f"{name}: is called {it.name}"
    if it.affinity != ours.affinity or it.is_rowid != ours.is_rowid:
        yield f"{name}: is {it.type or 'untyped'}, expected {ours.type}"
    if it.pk != ours.pk:
        yield f"{name}: is {_part(it)}, expected {_part(ours)}"
    if it.not_null and not ours.not_null and not ours.pk:
        yield f"{name}: is NOT NULL, and may be null for us"
    if ours.not_null and nulls:
        yield f"{name}: is null in {nulls} row{'s' * (nulls != 1)}, expected in none"
    if ours.otherwise is not None and not _same(ours.otherwise, it.otherwise):
        said = "no DEFAULT" if it.otherwise is None else f"DEFAULT {it.otherwise}"
        yield f"{name}: has {said}, expected {ours.otherwise}"


def _same(ours: str, theirs: str | None) -> bool:
    """Whether two defaults give one value, as 0 and 0.0 do."""
    if theirs is None:
        return False
    with closing(sqlite3.connect(":memory:")) as db:
        try:
            return bool(db.execute(f"SELECT ({ours}) IS ({theirs})").fetchone()[0])
        except sqlite3.Error:
            return False


def _part(column: Column) -> str:
    return f"part {column.pk} of the key" if column.pk else "no part of the key"
