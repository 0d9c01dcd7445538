"""The cache of soulfra with a real Redis and a real Postgres of the tests' own."""

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import psycopg

from apps.postgres import PostgresSettings, pool
from apps.soulfra.cache.cache import Cache
from apps.soulfra.cache.follower import Follower
from apps.soulfra.cache.recent import Recent
from apps.soulfra.writer import Writer
from schemas.errors import HouseError
from schemas.soulfra import commands as c
from tests.database.soulfra.conftest import HOUSE

USER = "00000000-0000-4000-8000-000000000001"


@dataclass
class Room:
    """One process's cache, follower and writer."""

    cache: Cache
    follower: Follower
    recent: Recent
    writer: Writer

    async def begun(self):
        """A user, an agent, a guild and a loop; Redis is believed."""
        for body in (
            c.RegisterUser(user_id=USER, username="ada", email="ada@x.org"),
            c.RegisterAgent(agent_id="oracle", user_id=USER, archetype="oracle"),
            c.FoundGuild(guild_id="seers", guild_name="Seers", agent_id="oracle", threshold=0.5),
            c.Whisper(loop_id="rain", agent_id="oracle", text="it rains"),
        ):
            await self.writer.give(body)
        await self.follower.step()
        return self


@asynccontextmanager
async def room(database, redis, *, connections=4):
    """As a process has one."""
    settings = PostgresSettings(url=database.app, min_conn=1, max_conn=connections)
    async with pool(settings, "soulfra") as there:
        cache = Cache(there, redis.line())
        try:
            yield Room(cache, Follower(cache), Recent(cache), Writer(there, HOUSE, cache.changed))
        finally:
            await cache.close()


def counted(kind, reads):
    """The same kind; each of its reads of Postgres is noted."""

    async def read(pool, name):
        reads.append(name)
        return await kind.read(pool, name)

    return replace(kind, read=read)


async def believed(here):
    """Until the follower has told Redis all that there is."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            taken = await here.follower.step()
        except (HouseError, psycopg.Error):
            taken = 1
        if not taken and here.cache.redis.is_believed:
            return
        await asyncio.sleep(0.1)
    raise AssertionError("Redis is not believed")
