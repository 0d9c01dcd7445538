"""``abode knowledge load | dump | rebuild``: many discoveries at once, as the owner."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import psycopg

from apps.governance.knowledge import load as loader
from apps.hosts import in_force
from apps.ops.migrate import reached
from apps.postgres import Connection, is_gone
from schemas.errors import Refused, Unreachable

T = TypeVar("T")
OPTIONS = "-c timezone=UTC -c lock_timeout=5000 -c statement_timeout=600000"


def load(root: Path, file: Path, name: str | None, zone: str) -> loader.Loaded:
    """Load a file, whole or not at all."""
    try:
        body = file.read_bytes()
    except OSError as error:
        raise Refused(f"{file}: {error.strerror}") from None
    try:
        place = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise Refused(f"--zone: {zone!r} is no zone", "such as Europe/Berlin") from None
    return _with_owner(root, lambda conn: loader.load(conn, name or file.name, body, place))


def dump(root: Path, name: str | None) -> bytes:
    """A file as it was loaded, or all that there is."""
    return _with_owner(root, lambda conn: loader.dump(conn, name))


def rebuild(root: Path) -> tuple[int, int]:
    """Make the graph anew from the rows; gives vertices and edges."""
    return _with_owner(root, loader.rebuild)


def _with_owner(root: Path, do: Callable[[Connection], Awaitable[T]]) -> T:
    with reached(*in_force(root)) as database:
        return asyncio.run(_do(database, do))


async def _do(database: str, do: Callable[[Connection], Awaitable[T]]) -> T:
    try:
        async with await psycopg.AsyncConnection.connect(
            database, autocommit=True, options=OPTIONS, connect_timeout=10
        ) as conn:
            return await do(conn)
    except psycopg.Error as error:
        if is_gone(error):
            raise Unreachable("postgres: does not answer", "abode status") from None
        raise Refused(f"postgres: {error.diag.message_primary or type(error).__name__}") from None
