"""What an SQLite file that was made without us holds, against what the line would have made."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from apps.migrate.lines import Line
from apps.queries import load

SQL: Final = load(Path(__file__).with_name("adopt.sql"))
_CHECK: Final = re.compile(r"\bCHECK\s*\(", re.IGNORECASE)

Schema = list[tuple[str, str, str, str]]
"""Kind, name, table and SQL of every object."""


@dataclass(slots=True)
class Survey:
    """What was found. With a fault in it nothing may be done."""

    schema: Schema
    there: set[str] = field(default_factory=set)
    """Migrations whose tables are all there."""
    additions: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    """By migration: what its tables lack and can be given without touching a row, with the SQL."""
    rows: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Column:
    """A column as PRAGMA table_info tells it."""

    name: str
    type: str
    not_null: bool
    otherwise: str | None
    pk: int

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
    def definition(self) -> str:
        """As ALTER TABLE takes it."""
        must = " NOT NULL" if self.not_null else ""
        return f"{self.name} {self.type}{must}" + (
            "" if self.otherwise is None else f" DEFAULT {self.otherwise}"
        )


def schema(db: sqlite3.Connection) -> Schema:
    """Whatever somebody made in a file, but for ledgers."""
    return [tuple(row) for row in db.execute(SQL["schema"])]


def survey(line: Line, db: sqlite3.Connection) -> Survey:
    """Compare a file with the line, migration by migration, each with what it makes itself."""
    found = Survey(schema(db))
    with closing(sqlite3.connect(":memory:")) as ours:
        known: Schema = []
        for migration in line.migrations():
            ours.executescript(line.sql(migration))
            made = [row for row in schema(ours) if row not in known]
            known = schema(ours)
            _Compared(migration, made, ours, db, found).all()
    return found


@dataclass(frozen=True, slots=True)
class _Compared:
    """What one migration makes, beside what is there."""

    migration: str
    made: Schema
    ours: sqlite3.Connection
    db: sqlite3.Connection
    found: Survey

    def all(self) -> None:
        """Add to what was found; nothing to say of a migration whose tables are all absent."""
        kinds = {name: kind for kind, name, _, _ in self.found.schema if kind != "trigger"}
        tables = [name for kind, name, _, _ in self.made if kind == "table"]
        there = [name for name in tables if name in kinds]
        if not there:
            return
        self.found.there.add(self.migration)
        lacks = self.found.additions.setdefault(self.migration, [])
        for name in tables:
            if kinds.get(name) != "table":
                self._fault(f"{name}: is {_what(kinds.get(name))}, expected a table", there)
                continue
            for fault in (*self._columns(name), *self._rules(name)):
                self._fault(fault)
            lacks += self._missing(name)
        lacks += self._indexes(kinds, there)

    def _fault(self, said: str, there: list[str] | None = None) -> None:
        beside = f"; {', '.join(there)} of {self.migration} is there" if there else ""
        self.found.faults.append(said + beside)

    def _columns(self, table: str) -> Iterator[str]:
        """Each column by name, affinity, key and nullability, and what is null in it."""
        ours, theirs = _columns(self.ours, table), _columns(self.db, table)
        rows, *values = self.db.execute(_count(table, list(theirs))).fetchone()
        self.found.rows[table] = rows
        for (name, it), count in zip(theirs.items(), values, strict=True):
            if name in ours:
                yield from _column_faults(f"{table}.{name}", ours[name], it, rows - count)
            elif it.not_null and it.otherwise is None:
                yield f"{table}.{name}: is unknown to us, and every row must have it"
        for name, column in ours.items():
            if name not in theirs and not _can_be_added(column):
                yield f"{table}.{name}: is missing"

    def _rules(self, table: str) -> Iterator[str]:
        """Whatever else could make our writes fail, or change them."""
        ours, theirs = ({u for (u,) in _rows(of, "unique", table=table)} for of in self._both)
        for columns in sorted(ours ^ theirs):
            yield f"{table}: UNIQUE ({columns}) is {'missing' if columns in ours else 'not ours'}"
        ours, theirs = (set(_rows(of, "references", table=table)) for of in self._both)
        if ours != theirs:
            yield f"{table}: points at other tables than ours"
        mine = {sql for _, _, _, sql in self.made}
        for kind, name, of, sql in self.found.schema:
            if kind == "trigger" and of == table:
                yield f"{table}: has a trigger, {name}, that is not ours"
            if kind == "table" and name == table and sql not in mine and _CHECK.search(sql):
                yield f"{table}: has a CHECK of its own"

    def _missing(self, table: str) -> Iterator[tuple[str, str]]:
        theirs = _columns(self.db, table)
        for name, column in _columns(self.ours, table).items():
            if name not in theirs and _can_be_added(column):
                sql = f"ALTER TABLE {table} ADD COLUMN {column.definition}"
                yield f"{table}.{name}", sql

    def _indexes(self, kinds: dict[str, str], there: list[str]) -> Iterator[tuple[str, str]]:
        for kind, name, table, sql in self.made:
            if kind != "index" or table not in there:
                continue
            if name not in kinds:
                yield name, sql
            elif _rows(self.ours, "index", name=name) != _rows(self.db, "index", name=name):
                self._fault(f"{name}: is another index, expected {sql}")

    @property
    def _both(self) -> tuple[sqlite3.Connection, sqlite3.Connection]:
        return self.ours, self.db


def _column_faults(name: str, ours: Column, it: Column, nulls: int) -> Iterator[str]:
    """A column may allow null where ours does not, as long as nothing in it is."""
    if it.affinity != ours.affinity or it.is_rowid != ours.is_rowid:
        yield f"{name}: is {it.type or 'untyped'}, expected {ours.type}"
    if it.pk != ours.pk:
        yield f"{name}: is {_part(it)}, expected {_part(ours)}"
    if it.not_null and not ours.not_null and not ours.pk:
        yield f"{name}: is NOT NULL, and may be null for us"
    if ours.not_null and nulls:
        yield f"{name}: is null in {nulls} row{'s' * (nulls != 1)}, expected in none"


def _can_be_added(column: Column) -> bool:
    """Whether SQLite adds it by changing the schema alone."""
    return not column.pk and (not column.not_null or column.otherwise is not None)


def _columns(db: sqlite3.Connection, table: str) -> dict[str, Column]:
    rows = _rows(db, "columns", table=table)
    return {name: Column(name, kind, bool(must), *rest) for name, kind, must, *rest in rows}


def _count(table: str, columns: list[str]) -> str:
    """One pass over a table: its rows, and the values of each column that are not null."""
    values = "".join(f', count("{name}")' for name in columns)
    return f'SELECT count(*){values} FROM "{table}"'  # noqa: S608  names out of the catalog


def _what(kind: str | None) -> str:
    return f"a {kind}" if kind else "missing"


def _part(column: Column) -> str:
    return f"part {column.pk} of the key" if column.pk else "no part of the key"


def _rows(db: sqlite3.Connection, query: str, **values: Any) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in db.execute(SQL[query], values)]
