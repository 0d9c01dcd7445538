"""Pieces of an old table in the order of its key, each read in a moment of its own.

A writer of the old file is never kept waiting for longer than one piece, and a piece begins after
the key where the last one ended: rows that come meanwhile move nothing.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from hashlib import sha256
from typing import Any, Final, NamedTuple

from apps.legacy.marks import digest_of

ROWS: Final = 5_000
BYTES: Final = 4 << 20
SOME: Final = 20
"""In memory at one time: so many bytes, and some rows more."""

Row = tuple[Any, ...]


class Piece(NamedTuple):
    """Rows, and the key of the last: where the next begins. None when it cannot be told."""

    rows: list[Row]
    after: list[Any] | None


def columns(db: sqlite3.Connection, table: str) -> set[str]:
    """Those that the table has in this file."""
    return {row[1] for row in db.execute(f'PRAGMA table_info("{table}")')}


def pieces(
    db: sqlite3.Connection,
    source: str,
    wanted: Sequence[str],
    key: Sequence[str],
    after: Sequence[Any] | None,
) -> Iterator[Piece]:
    """Values of the wanted columns, then those of the key; rows without a whole key come first.

    ``source`` is a table or a query in brackets; ``wanted`` and ``key`` are SQL expressions.
    """
    db.create_function("sha256", 1, sha256_of, deterministic=True)
    asked = ", ".join([*wanted, *key])
    by = ", ".join(key)
    head = f"SELECT {asked} FROM {source}"  # noqa: S608  # names are ours
    if after is None:
        without = " OR ".join(f"{each} IS NULL" for each in key)
        rows = db.execute(f"{head} WHERE {without}").fetchall()
        if rows:
            yield Piece(rows, None)
        where, values = " AND ".join(f"{each} IS NOT NULL" for each in key), ()
    while True:
        if after is not None:
            where = f"({by}) > ({', '.join(map(_mark, after))})"
            values = tuple(map(_bound, after))
        sql = f"{head} WHERE {where} ORDER BY {by} LIMIT {ROWS}"
        rows = _some(db, sql, values)
        db.execute("COMMIT")
        db.execute("BEGIN")
        if not rows:
            return
        after = list(rows[-1][-len(key) :])
        yield Piece(rows, after if all(map(_is_clean, after)) else None)


def _some(db: sqlite3.Connection, sql: str, values: Sequence[Any]) -> list[Row]:
    rows: list[Row] = []
    size = 0
    with closing(db.execute(sql, values)) as found:
        # Few at a time: what is already here is measured before more is read.
        while some := found.fetchmany(SOME):
            rows += some
            size += sum([len(each) for row in some for each in row if isinstance(each, str)])
            if size > BYTES:
                break
    return rows


def _is_clean(value: Any) -> bool:
    """Whether Postgres can keep it as a position."""
    if not isinstance(value, str):
        return isinstance(value, int)
    return "\0" not in value and not any("\ud800" <= each <= "\udfff" for each in value)


def _mark(value: Any) -> str:
    return "?" if not isinstance(value, str) else "CAST(? AS TEXT)"


def _bound(value: Any) -> Any:
    return value.encode(errors="surrogateescape") if isinstance(value, str) else value


def hashed(value: Any) -> str:
    """The SHA-256 of a secret, in hex; of one that the house put there, the one that it knows."""
    if known := digest_of(value):
        return known
    told = value if isinstance(value, bytes) else str(value).encode(errors="surrogateescape")
    return sha256(told).hexdigest()


def sha256_of(value: Any) -> str | None:
    """The same for SQLite, where null is none."""
    return None if value is None else hashed(value)
