"""An open database: its pool, and those who work with it. All of it lives in the owner's loop."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import psycopg
from psycopg_pool import PoolClosed, PoolTimeout
from pydantic_core import PydanticSerializationError

from apps.bridge.refusals import Busy, Conflict
from apps.governance.audit import AuditLog
from apps.governance.descriptions import Descriptions
from apps.governance.desk import WAIT_SECONDS, Desk
from apps.governance.health import require_schema
from apps.governance.identities import Identities
from apps.governance.settings import DataSettings
from apps.governance.trail.journal import Taken
from apps.governance.trails import Trails
from apps.postgres import Connection, Pool, place, pool
from apps.queries import load
from apps.redis_line import connect
from schemas.errors import Refused, Unreachable

SQL = load(Path(__file__).with_name("queries.sql"))
OPEN_SECONDS = 10.0


class Queue(Desk):
    """A desk where callers wait for a moment: they are our own, and not many."""

    def __init__(self, store: Pool) -> None:
        self._store = store

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection of the pool, or Busy after a while."""
        try:
            async with self._store.connection(WAIT_SECONDS) as conn:
                yield conn
        except PoolTimeout:
            raise Busy("every connection to the database is in use", "call again later") from None


class Store:
    """What an open database has: its pool, and those who work with it."""

    def __init__(self, connections: Pool, told: DataSettings) -> None:
        self.pool = connections
        self.desk = Queue(connections)
        self._told = told
        self._line = connect(told.redis)
        self._beginning = asyncio.Lock()
        self._trails: Trails | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def audit(self) -> AuditLog:
        """The trail, held from the first event on: it has one writer, of whatever process."""
        async with self._beginning:
            if self._trails is None:
                self._trails = await self._begin()
            return self._trails.audit

    async def identities(self) -> Identities:
        """Who may change identities: what is changed is told of, and no cache keeps what was."""
        return Identities(self.desk, await self.audit(), Descriptions(self.desk, self._line))

    async def level(self) -> None:
        """What this process told of can be asked for."""
        if self._trails is not None:
            await self._trails.index.caught_up()

    async def close(self) -> None:
        """Write what is to be told, then let go of the connections."""
        if self._trails is not None:
            await self._trails.close(*self._tasks)
        await self._line.close()
        await self.pool.close()

    async def _begin(self) -> Trails:
        path = self._told.audit_log
        if path is None:
            raise Refused(
                "GOVERNANCE_AUDIT_LOG: is not set, and what is changed must be told of",
                "it is the audit_log.jsonl of the governance that has this database",
            )
        async with self.desk.connection() as conn:
            row = await (await conn.execute(SQL["told_lines"])).fetchone()
        if row and row[0] and not path.exists():
            raise Refused(
                f"{path}: is not there, and the database knows {row[0]} lines of it",
                "GOVERNANCE_AUDIT_LOG names the file of the governance that has this database",
            )
        trails = Trails(self._told.postgres, path)
        try:
            await trails.begin()
        except Taken:
            raise Unreachable(
                f"{path}: another process writes it",
                "beside a running governance only read here; change things with its tools",
            ) from None
        self._tasks = [asyncio.create_task(work) for _, work in trails.works()]
        return trails


async def opened(told: DataSettings) -> Store:
    """Connect; a database that is not as declared is refused."""
    made = pool(told.postgres)
    try:
        await made.open(wait=True, timeout=OPEN_SECONDS)
        async with made.connection(WAIT_SECONDS) as conn:
            await require_schema(conn)
    except psycopg.OperationalError:
        await made.close()
        raise Unreachable(
            f"postgres at {place(told.postgres)}: no answer for {OPEN_SECONDS:.0f} s",
            "is the container up, and the password the right one?  abode status",
        ) from None
    except BaseException:
        await made.close()
        raise
    return Store(made, told)


@contextmanager
def in_our_words() -> Iterator[None]:
    """What psycopg raises, as the house says it."""
    try:
        yield
    except PoolClosed:
        raise Refused("database: is closed", "ask get_db() again") from None
    except psycopg.IntegrityError as error:
        raise Conflict(f"database: {error.diag.constraint_name or 'it'}: is not kept") from None
    except (psycopg.DataError, PydanticSerializationError, UnicodeError) as error:
        raise Refused(f"database: {type(error).__name__}: it cannot be stored") from None
    except psycopg.OperationalError as error:
        raise Unreachable(f"database: {type(error).__name__}", "call again later") from None
    except psycopg.Error as error:
        said = error.diag.message_primary or type(error).__name__
        raise Refused(f"database: {type(error).__name__}: {said:.200}") from None
