"""Writing into an old database: rows are found by their key, and only what differs is written."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from apps.legacy import fence
from apps.legacy.back.inverse import Local, same
from apps.legacy.keyset import sha256_of
from apps.legacy.source import as_text
from apps.legacy.triggers import written
from apps.legacy.units import Followed
from apps.legacy.verify.old import named_short
from schemas.legacy.shape import OldTable

Values = dict[str, Any]


class Old:
    """One old database in one transaction, with its fence down for nobody else."""

    def __init__(
        self, db: sqlite3.Connection, tables: dict[str, Followed], local: Local,
        rejected: dict[str, set[str]],
    ) -> None:  # fmt: skip
        """``rejected`` are the keys, by table or column, that the house did not take."""
        self.db, self.tables, self.local = db, tables, local
        self._rejected = rejected
        self.written = 0
        db.text_factory = as_text
        db.create_function("abode_sha256", 1, sha256_of, deterministic=True)

    def is_rejected(self, table: str, key: str, column: str = "") -> bool:
        """Whether a row of it, or one column of a row, never came over."""
        part = f"{table}.{column}" if column else table
        return named_short(key) in self._rejected.get(part, ())

    def row(self, table: str, where: str, *values: Any) -> Values | None:
        """The first row there, by column, and its place as ``rowid``."""
        names = sorted(self.tables[table].there)
        columns = ", ".join(f'"{name}"' for name in names)
        found = self.db.execute(
            f'SELECT rowid, {columns} FROM "{table}" WHERE {where} LIMIT 1',  # noqa: S608  # names are ours
            values,
        ).fetchone()
        return None if found is None else dict(zip(["rowid", *names], found, strict=True))

    def put(
        self, table: str, key: str, before: Values | None, values: Values, born: Mapping[str, Any]
    ) -> None:
        """What is there becomes as is said; what is not there is made, with what it is born.

        A row that never came over stays as it is, and so does what the house says nothing of.
        """
        known = {name: each for name, each in values.items() if name in self.tables[table].there}
        if before is None:
            self.insert(table, {**known, **born})
            return
        if self.is_rejected(table, key):
            return
        takes = {take.old: take for take in self.mapping(table).takes}
        other = {
            name: each for name, each in known.items()
            if not same(takes[name], before[name], each, self.local)
            and not (each is None and takes[name].how in ("beside", "json"))
            and not self.is_rejected(table, key, name)
            and not (before[name] is None and each == known.get("created_at"))
        }  # fmt: skip
        if other:
            names = ", ".join(f'"{name}" = ?' for name in other)
            sql = f'UPDATE "{table}" SET {names} WHERE rowid = ?'  # noqa: S608  # names are ours
            self.db.execute(sql, (*other.values(), before["rowid"]))
            self.written += 1

    def insert(self, table: str, values: Mapping[str, Any]) -> None:
        """A row; a column of which nothing is said has its default. One that is there stays."""
        told = {
            name: each for name, each in values.items()
            if each is not None and name in self.tables[table].there
        }  # fmt: skip
        names, marks = ", ".join(f'"{name}"' for name in told), ", ".join("?" * len(told))
        sql = f'INSERT OR IGNORE INTO "{table}" ({names}) VALUES ({marks})'  # noqa: S608  # names are ours
        self.written += self.db.execute(sql, tuple(told.values())).rowcount

    def delete(self, table: str, rowid: int) -> None:
        """A row by its place."""
        self.db.execute(f'DELETE FROM "{table}" WHERE rowid = ?', (rowid,))  # noqa: S608  # ours
        self.written += 1

    def all(
        self, table: str, columns: str, where: str = "1", *values: Any
    ) -> list[tuple[Any, ...]]:
        """Rows of some columns."""
        sql = f'SELECT {columns} FROM "{table}" WHERE {where}'  # noqa: S608  # names are ours
        return self.db.execute(sql, values).fetchall()

    def mapping(self, table: str) -> OldTable:
        """Its declaration."""
        return self.tables[table].old


@contextmanager
def lifted(
    path: Path, tables: dict[str, Followed], local: Local, rejected: dict[str, set[str]]
) -> Iterator[Old]:
    """One transaction in which the fence is down for this connection alone, and up again after."""
    with written(path) as db:
        db.execute("BEGIN IMMEDIATE")
        fence.lift(db)
        yield Old(db, tables, local, rejected)
        fence.raise_again(db)
        db.execute("COMMIT")
