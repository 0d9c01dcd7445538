"""Everyone that has to do with agents, at a database and a Redis of the tests' own."""

import asyncio
from collections.abc import Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from apps.governance.audit import AuditLog
from apps.governance.continuity import Continuity
from apps.governance.descriptions import Descriptions
from apps.governance.desk import Desk
from apps.governance.identities import Identities
from apps.governance.keyring import Keyring
from apps.governance.lives import Lives
from apps.governance.registry import Registry
from apps.governance.roster import Roster
from apps.governance.sessions import Sessions
from apps.postgres import PostgresSettings, pool
from apps.redis_line import Line
from services.redis import GOVERNANCE
from tests.redis_server import RedisServer, emptied, redis_server


@pytest.fixture(scope="session")
def governance_redis(standing) -> Iterator[RedisServer]:
    """Of this run of the tests."""
    with redis_server(standing, GOVERNANCE) as made:
        yield made


@pytest.fixture
def redis(governance_redis) -> RedisServer:
    """Empty, and up."""
    return emptied(governance_redis)


@dataclass
class Room:
    """Everyone that has to do with agents, at one database and one Redis."""

    desk: Desk
    audit: AuditLog
    line: Line
    sessions: Sessions
    keyring: Keyring
    descriptions: Descriptions
    identities: Identities
    continuity: Continuity
    registry: Registry
    roster: Roster


@asynccontextmanager
async def _room(database, folder: Path, line: Line, connections: int = 4):
    told = PostgresSettings(url=database.app, min_conn=2, max_conn=connections)
    async with pool(told) as store:
        desk, audit = Desk(store), AuditLog(folder / f"audit-{uuid4().hex[:4]}.jsonl")
        sessions, keyring = Sessions(desk, line), Keyring(desk)
        descriptions, lives = Descriptions(desk, line), Lives(desk)
        identities = Identities(desk, audit, descriptions)
        running = [asyncio.create_task(work.run()) for work in (sessions, audit)]
        try:
            yield Room(
                desk, audit, line, sessions, keyring, descriptions, identities,
                Continuity(desk, audit, identities, keyring, sessions),
                Registry(desk, audit, keyring, sessions, lives),
                Roster(desk, descriptions),
            )  # fmt: skip
        finally:
            audit.close()
            await running[1]
            running[0].cancel()
            await sessions.close()


@pytest.fixture
def room(governance_database, redis, tmp_path):
    """A room, opened in the test's own loop."""

    def make(line: Line | None = None, connections: int = 4):
        return _room(governance_database, tmp_path, line or redis.line(), connections)

    return make
