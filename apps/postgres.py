"""Open Postgres: one pool per process, in UTC, with bounded statements."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Annotated, Any, cast
from urllib.parse import urlsplit

import psycopg
from psycopg import AsyncConnection, InterfaceError, OperationalError
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool
from pydantic import Field, StringConstraints

from apps.migrate.lines import known_as
from schemas.errors import Refused, Unreachable
from schemas.quantity import Closed

Connection = AsyncConnection[TupleRow]
Pool = AsyncConnectionPool[Connection]

STATEMENT_TIMEOUT_MS = 5_000
LOCK_TIMEOUT_MS = 2_000


class PostgresSettings(Closed):
    """Where Postgres is, and how many connections we may hold. The URL needs no password."""

    url: Annotated[str, StringConstraints(pattern=r"^postgres(ql)?://")]
    password_file: Path | None = None
    min_conn: Annotated[int, Field(ge=1, le=100)] = 2
    max_conn: Annotated[int, Field(ge=3, le=100)] = 10


def pool(settings: PostgresSettings, name: str = "governance") -> Pool:
    """A closed pool of the process of that name; ``await pool.open()`` connects it."""
    if settings.min_conn > settings.max_conn:
        raise Refused(
            f"DB_POSTGRES_MIN_CONN: {settings.min_conn} is above"
            f" DB_POSTGRES_MAX_CONN {settings.max_conn}"
        )
    return AsyncConnectionPool(
        settings.url,
        min_size=settings.min_conn,
        max_size=settings.max_conn,
        kwargs=_kwargs(settings, STATEMENT_TIMEOUT_MS, name),
        open=False,
        name=name,
        reconnect_timeout=5,
    )


async def opened(of: Pool, settings: PostgresSettings, seconds: float) -> None:
    """Connect; whoever does not answer in time is named."""
    try:
        await of.open(wait=True, timeout=seconds)
    except psycopg.OperationalError:
        raise Unreachable(
            f"postgres at {place(settings)}: no answer for {seconds:.0f} s",
            "is the container up, and the password the right one?  abode status",
        ) from None


def alone(settings: PostgresSettings, statement_timeout_ms: int) -> psycopg.Connection[TupleRow]:
    """A connection beside the pool, for long statements in a thread."""
    return psycopg.connect(settings.url, **_kwargs(settings, statement_timeout_ms))


@asynccontextmanager
async def apart(of: Pool, statement_timeout_ms: int) -> AsyncIterator[Connection]:
    """A connection beside the pool, to the same place, for one long statement."""
    kwargs = cast("dict[str, Any]", of.kwargs)  # as ``pool`` gave them
    async with await AsyncConnection.connect(str(of.conninfo), **kwargs) as conn:
        await conn.execute(f"SET statement_timeout = {statement_timeout_ms}")
        yield conn


def _kwargs(
    settings: PostgresSettings, statement_timeout_ms: int, name: str = "governance"
) -> dict[str, Any]:
    options = (
        f"-c timezone=UTC -c statement_timeout={statement_timeout_ms}"
        f" -c lock_timeout={LOCK_TIMEOUT_MS} -c search_path=pg_catalog"
    )
    connect: dict[str, Any] = {
        "options": options,
        "connect_timeout": 5,
        "application_name": known_as(name),
        "autocommit": True,
    }
    if settings.password_file is not None:
        connect["password"] = _password(settings.password_file)
    return connect


async def renew(of: Pool, seconds: float) -> None:
    """Replace at once what broke while it was idle; nobody knows better after a failure."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await of.check()


def place(settings: PostgresSettings) -> str:
    """Where Postgres is, for a message: host and database, never user or password."""
    url = urlsplit(settings.url)
    query = dict(part.partition("=")[::2] for part in url.query.split("&"))
    host = query.get("host", url.hostname or "the local socket").replace("%2F", "/")
    return f"{host}{f':{url.port}' if url.port else ''}{url.path}"


def _password(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError as error:
        raise Refused(f"DB_POSTGRES_PASSWORD_FILE: {path}: {error.strerror}") from None


def is_gone(error: BaseException) -> bool:
    """Whether the server itself went away, rather than disliked one statement."""
    if isinstance(error, InterfaceError | TimeoutError):
        return True
    if not isinstance(error, OperationalError):
        return False
    state = error.sqlstate
    return state is None or state.startswith("08") or state in {"57P01", "57P02", "57P03"}
