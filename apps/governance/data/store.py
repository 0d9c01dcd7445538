"""An open database: its pool, and those who work with it. All of it lives in the owner's loop."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import psycopg
from psycopg_pool import PoolClosed, PoolTimeout
from pydantic_core import PydanticSerializationError

from apps.bridge.refusals import Busy, Conflict
from apps.governance.desk import WAIT_SECONDS, Desk
from apps.governance.health import require_schema
from apps.governance.identities import Identities
from apps.governance.settings import DataSettings
from apps.governance.trail.journal import Taken
from apps.governance.trails import Trails
from apps.postgres import Connection, Pool, place, pool
from schemas.errors import Refused, Unreachable

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

    def __init__(self, connections: Pool, trails: Trails) -> None:
        self.pool = connections
        self.trails = trails
        self.audit = trails.audit
        self.desk = Queue(connections)
        self.identities = Identities(self.desk, self.audit)
        self._tasks = [asyncio.create_task(work) for _, work in trails.works()]

    async def close(self) -> None:
        """Write what is to be told, then let go of the connections."""
        await self.trails.close(*self._tasks)
        await self.pool.close()


async def opened(told: DataSettings) -> Store:
    """Connect; a database that is not as declared is refused."""
    made = pool(told.postgres)
    try:
        await made.open(wait=True, timeout=OPEN_SECONDS)
        async with made.connection(WAIT_SECONDS) as conn:
            await require_schema(conn)
        trails = Trails(told.postgres, told.audit_log)
        try:
            await trails.begin()
        except Taken as error:
            # Governance runs: it is asked through its tools, and we only read.
            trails.audit.trouble = error.message
    except psycopg.OperationalError:
        await made.close()
        raise Unreachable(
            f"postgres at {place(told.postgres)}: no answer for {OPEN_SECONDS:.0f} s",
            "is the container up, and the password the right one?  abode status",
        ) from None
    except BaseException:
        await made.close()
        raise
    return Store(made, trails)


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
