"""Soulfra from the operator's machine: give a command, follow a life, prove and replay the log."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import psycopg

from apps.hosts import in_force
from apps.ops.migrate import reached
from apps.postgres import PostgresSettings, pool
from apps.soulfra.given import Done
from apps.soulfra.log import SQL, life
from apps.soulfra.rebuild import Rebuilt, Say, asked_at, rebuild
from apps.soulfra.upcast import Recorded
from apps.soulfra.writer import Writer
from schemas.errors import Refused, Unreachable
from schemas.soulfra.commands import Asked
from schemas.soulfra.server import APP, READER

FAULTS: Final = 1_000
"""As many are told."""


def give(root: Path, body: Asked, command_id: UUID | None) -> Done:
    """Have one command done, as the process does it."""

    async def run(url: str) -> Done:
        settings = PostgresSettings(url=url, min_conn=1, max_conn=3)
        async with pool(settings, "soulfra") as there:
            writer = Writer(there)
            return await writer.give(body, command_id, by="operator")

    with reached(*in_force(root), "soulfra", APP) as url:
        return asyncio.run(run(url))


def lived(root: Path, stream: str, until: datetime | None) -> list[Recorded]:
    """All that happened to one."""

    async def run(url: str) -> list[Recorded]:
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as conn:
            return [each async for each in life(conn, stream, until)]

    with reached(*in_force(root), "soulfra", READER) as url, answering():
        return asyncio.run(run(url))


def verified(root: Path, stream: str | None) -> list[tuple[str, int, str]]:
    """Events that are not as they were added."""
    asked = {"stream": stream, "limit": FAULTS}
    with _connected(root, READER) as conn:
        return conn.execute(SQL["verify"], asked).fetchall()


def rebuilt(root: Path, say: Say) -> Rebuilt:
    """Make anew what follows from the log, and put it in its place."""
    with _connected(root) as conn:
        return rebuild(conn, say)


def then(
    root: Path, until: datetime, query: str, say: Say
) -> tuple[list[str], list[tuple[Any, ...]]]:
    """What a query answers of how everything stood at an instant."""
    with _connected(root) as conn:
        try:
            return asked_at(conn, until, query, say)
        except psycopg.ProgrammingError as error:
            raise Refused(f"the query: {error.diag.message_primary}") from None


@contextmanager
def _connected(root: Path, role: str | None = None) -> Iterator[psycopg.Connection[Any]]:
    """As the owner unless a role is named."""
    with (
        reached(*in_force(root), "soulfra", role) as url,
        answering(),
        psycopg.connect(url, autocommit=True, options="-c timezone=UTC") as conn,
    ):
        yield conn


@contextmanager
def answering() -> Iterator[None]:
    """What a Postgres that is away comes to."""
    try:
        yield
    except psycopg.OperationalError as error:
        said = str(error).strip().partition("\n")[0]
        raise Unreachable(f"soulfra: {said}", "abode status") from None
