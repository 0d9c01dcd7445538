"""What an SQLite file that was made without us holds, against what the line would have made."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Final

from apps.migrate.columns import SQL, columns, faults
from apps.migrate.lines import Line

_QUOTED: Final = re.compile(
    r"""'(?:[^']|'')*' | "(?:[^"]|"")*" | `[^`]*` | \[[^\]]*\] | --[^\n]* | /\*.*?\*/""",
    re.VERBOSE | re.DOTALL,
)
_CLAUSE: Final = re.compile(
    r"\b(?:CHECK|AUTOINCREMENT|COLLATE\s+(?!BINARY\b)\w+|ON\s+CONFLICT\s+(?!ABORT\b)\w+)",
    re.IGNORECASE,
)
"""What SQLite tells of a table by no pragma."""

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
        """Add to what was found; little to say of a migration whose tables are all absent."""
        kinds = {name.lower(): kind for kind, name, _, _ in self.found.schema if kind != "trigger"}
        tables = [name for kind, name, _, _ in self.made if kind == "table"]
        there = [name for name in tables if name in kinds]
        indexes = list(self._indexes(kinds))
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
        lacks += indexes

    def _fault(self, said: str, there: list[str] | None = None) -> None:
        beside = f"; {', '.join(there)} of {self.migration} is there" if there else ""
        self.found.faults.append(said + beside)

    def _columns(self, table: str) -> Iterator[str]:
        """Each column by name, affinity, key, default and nullability, and what is null in it."""
        ours, theirs = columns(self.ours, table), columns(self.db, table)
        rows, *values = self.db.execute(_count(table, list(theirs))).fetchone()
        self.found.rows[table] = rows
        for (name, it), count in zip(theirs.items(), values, strict=True):
            yield from faults(table, ours.get(name), it, rows - count)
        for name, column in ours.items():
            if name not in theirs and not column.can_be_added:
                yield f"{table}.{column.name}: is missing"

    def _rules(self, table: str) -> Iterator[str]:
        """Whatever else could make our writes fail, or change them."""
        ours, theirs = ({u for (u,) in _rows(of, "unique", table=table)} for of in self._both)
        for said in sorted(ours ^ theirs):
            yield f"{table}: UNIQUE ({said}) is {'missing' if said in ours else 'not ours'}"
        ours, theirs = (set(_rows(of, "references", table=table)) for of in self._both)
        if ours != theirs:
            yield f"{table}: points at other tables than ours"
        made = next(sql for kind, name, _, sql in self.made if (kind, name) == ("table", table))
        for kind, name, of, sql in self.found.schema:
            if kind == "trigger" and of.lower() == table:
                yield f"{table}: has a trigger, {name}, that is not ours"
            if kind == "table" and name.lower() == table and sql != made:
                yield from _clauses_differ(table, name, made, sql)

    def _missing(self, table: str) -> Iterator[tuple[str, str]]:
        theirs = columns(self.db, table)
        for name, column in columns(self.ours, table).items():
            if name not in theirs and column.can_be_added:
                sql = f"ALTER TABLE {table} ADD COLUMN {column.definition}"
                yield f"{table}.{column.name}", sql

    def _indexes(self, kinds: dict[str, str]) -> Iterator[tuple[str, str]]:
        for kind, name, _, sql in self.made:
            if kind != "index":
                continue
            if name not in kinds:
                yield name, sql
            elif _rows(self.ours, "index", name=name) != _rows(self.db, "index", name=name):
                self._fault(f"{name}: is another index, expected {sql}")

    @property
    def _both(self) -> tuple[sqlite3.Connection, sqlite3.Connection]:
        return self.ours, self.db


def _clauses_differ(table: str, called: str, ours: str, theirs: str) -> Iterator[str]:
    if called != table:
        yield f"{table}: is called {called}"
    mine, its = _clauses(ours), _clauses(theirs)
    if "CHECK" in its:
        yield f"{table}: has a CHECK of its own"
    for clause in sorted(its - mine - {"CHECK"}):
        yield f"{table}: has {clause}, that is not ours"
    for clause in sorted(mine - its - {"CHECK"}):
        yield f"{table}: has no {clause}"


def _clauses(sql: str) -> set[str]:
    return {" ".join(said.upper().split()) for said in _CLAUSE.findall(_QUOTED.sub("_", sql))}


def _count(table: str, names: list[str]) -> str:
    """One pass over a table: its rows, and the values of each column that are not null."""
    values = "".join(', count("{}")'.format(name.replace('"', '""')) for name in names)
    return f'SELECT count(*){values} FROM "{table}"'  # noqa: S608  names out of the catalog


def _what(kind: str | None) -> str:
    return f"a {kind}" if kind else "missing"


def _rows(db: sqlite3.Connection, query: str, **values: Any) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in db.execute(SQL[query], values)]
