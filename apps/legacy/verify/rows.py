"""Rows of old tables, in the order of their rowid, and what the mapping says of their columns."""

import math
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from apps.legacy.database import known
from apps.legacy.marks import digest_of
from apps.legacy.source import opened
from apps.legacy.stage import named
from apps.legacy.verify.canonical import Instants, Number, Unfit, canonical, parse, part_of, text
from apps.legacy.verify.old import BYTES, ROWS, Given
from schemas.errors import Refused
from schemas.legacy.shape import OldTable

IN_TURN: Final = "ORDER BY session_id, timestamp, id"
"""The place of a message is that by its time, then by its id, within its session."""
Values = dict[str, Any]


class Reader:
    """One table of one open file."""

    def __init__(self, db: sqlite3.Connection, path: Path, name: str) -> None:
        self._db = db
        self._name = name
        found = [row[1] for row in db.execute(f'PRAGMA table_info("{name}")')]
        table = known(name, frozenset(found))
        if table is None:
            raise Refused(f"{path}: table {name!r} is another than it was", "run it again")
        self.table: OldTable = table
        self._columns = [take.old for take in table.takes if take.old in found]
        self._secret = {take.old for take in table.takes if take.how == "secret"}

    def __iter__(self) -> Iterator[Given]:
        """Every row; between two pieces a writer of the file gets its turn."""
        at: int | None = None
        while True:
            size = count = 0
            where = "" if at is None else "WHERE rowid > ?"
            sql = f"{self._head} {where} ORDER BY rowid LIMIT {ROWS}"
            with closing(self._db.execute(sql, () if at is None else (at,))) as found:
                for row in found:
                    given = self._given(row)
                    at, size, count = given.at, size + given.size, count + 1
                    yield given
                    if size > BYTES:
                        break
            if not count:
                return
            self._db.execute("COMMIT")
            self._db.execute("BEGIN")

    def in_turn(self) -> Iterator[Given]:
        """Messages, each with its place in its session as ``seq``."""
        before: Any = object()
        seq = 0
        for row in self._db.execute(f"{self._head} {IN_TURN}"):
            given = self._given(row)
            session = given.value["session_id"]
            seq = seq + 1 if session == before else 0
            before = session
            yield given._replace(value={**given.value, "seq": seq})

    def one(self, at: int) -> Values:
        """A row again."""
        row = self._db.execute(f"{self._head} WHERE rowid = ?", (at,)).fetchone()
        return {} if row is None else dict(self._given(row).value)

    @property
    def _head(self) -> str:
        columns = ", ".join(f'"{name}"' for name in self._columns)
        return f'SELECT rowid, {columns} FROM "{self._name}"'  # noqa: S608  # declared names

    def _given(self, row: tuple[Any, ...]) -> Given:
        values = dict(zip(self._columns, row[1:], strict=True))
        size = sum(len(each) for each in row if isinstance(each, str | bytes))
        key = tuple(
            hidden(values.get(name)) if name in self._secret else values.get(name)
            for name in self.table.key
        )
        return Given(named(key), row[0], size, values)


def one_of(path: Path, name: str, at: int) -> tuple[OldTable, Values]:
    """A row of a file that is opened for it."""
    with opened(path) as db:
        reader = Reader(db, path, name)
        return reader.table, reader.one(at)


def hidden(value: Any) -> str | None:
    """A secret's SHA-256."""
    if value is None:
        return None
    if known := digest_of(value):
        return known
    told = value if isinstance(value, bytes) else str(value).encode(errors="surrogateescape")
    return sha256(told).hexdigest()


def placed(table: OldTable, row: Values, instant: Instants) -> Values:
    """Values by the column of the house that they go to, each in the way that is declared."""
    told: Values = {}
    for take in table.takes:
        value = row.get(take.old)
        if take.new is None or take.how in ("beside", "json", "follows"):
            continue
        if take.how == "instant":
            value = instant(value)
        elif take.how == "array":
            value = part_of(value, list)
        elif take.how == "secret":
            value = hidden(value)
        told[take.new] = value
    return told


def beside(table: OldTable, row: Values) -> Values:
    """What has no column of its own, under its old names; nothing for null."""
    return dict(
        _parsed(take.old, row[take.old]) if take.how == "json" else (take.old, plain(row[take.old]))
        for take in table.takes
        if take.how in ("beside", "json") and row.get(take.old) is not None
    )


def _parsed(name: str, value: Any) -> tuple[str, Any]:
    """What a text says, under the name of what it says; a text that is no JSON as it is."""
    try:
        said = parse(value) if isinstance(value, str) else None
    except (ValueError, RecursionError):
        said = None
    return (name, plain(value)) if said is None else (name.removesuffix("_json"), said)


def plain(value: Any) -> Any:
    """A value of SQLite as one of JSON."""
    if isinstance(value, float) and not math.isfinite(value):
        raise Unfit("is no number that JSON has")
    return Number(repr(value)) if isinstance(value, int | float) else text(value)


def with_beside(told: Any, more: Values) -> str:
    """JSON text of an object, null as an empty one, and what is beside it."""
    said = {} if told is None else parse(text(told) or "")
    if not isinstance(said, dict) or "beside" in said:
        raise Unfit("is no object, or says beside itself")
    return canonical(said | ({"beside": more} if more else {}))
