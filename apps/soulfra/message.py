"""A transaction as one message to Postgres: what is asked often is prepared, and asked by its name.

A statement takes JSON only, as ``$1``, ``$2``. One message and one answer, however many statements:
a pipeline of them costs its process ten times as much.
"""

from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from hashlib import sha256
from weakref import WeakKeyDictionary

from psycopg import AsyncClientCursor
from psycopg.errors import DuplicatePreparedStatement, InvalidSqlStatementName
from pydantic_core import to_json

from apps.postgres import Connection

Statement = tuple[str, Sequence[object]]
"""Its text, and what becomes its JSON."""
_PREPARED: WeakKeyDictionary[Connection, set[str]] = WeakKeyDictionary()


async def commit(conn: Connection, statements: Sequence[Statement]) -> None:
    """Run all of them or none; ``conn`` is in autocommit."""
    try:
        await _sent(conn, statements)
    except InvalidSqlStatementName:
        # After a rollback psycopg has the server forget what was prepared. Nothing was done yet.
        _PREPARED.pop(conn, None)
        await conn.rollback()
        await _sent(conn, statements)


async def _sent(conn: Connection, statements: Sequence[Statement]) -> None:
    there = _PREPARED.setdefault(conn, set())
    asked: list[str] = []
    values: list[str] = []
    for text, given in statements:
        name = _name(text)
        if name not in there:
            types = f"({', '.join(['jsonb'] * len(given))})" * bool(given)
            with suppress(DuplicatePreparedStatement):
                await conn.execute(f"PREPARE {name}{types} AS {text}".encode())
            there.add(name)
        holders = f"({', '.join(['%s'] * len(given))})" * bool(given)
        asked.append(f"EXECUTE {name}{holders}")
        values += [to_json(each).decode() for each in given]
    async with AsyncClientCursor(conn) as cursor:
        await cursor.execute(f"BEGIN; {'; '.join(asked)}; COMMIT".encode(), values)


@cache
def _name(text: str) -> str:
    """The same for the same text."""
    return f"soulfra_{sha256(text.encode()).hexdigest()[:16]}"
