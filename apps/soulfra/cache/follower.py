"""Follows the log and tells Redis: marks what changed, fills the queues, says who is active.

All of it may be told twice. A Redis that came back may have lost its last second; it is told again.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

import psycopg
from pydantic_core import to_json

from apps.postgres import Connection
from apps.soulfra.cache.breaker import LONG_SECONDS
from apps.soulfra.cache.cache import AT_ODDS_MS, Cache
from apps.soulfra.cache.kinds import SQL
from apps.soulfra.cache.recent import Recent
from apps.soulfra.cache.value import now
from apps.soulfra.log import Place, follow, newest, place_of
from apps.soulfra.upcast import Recorded, recorded
from schemas.errors import HouseError
from schemas.soulfra.keys import ACTIVE_SECONDS, AGENT_ACTIVE, WARM_SECONDS
from schemas.soulfra.log import MENDED, UNSHOWN

log = logging.getLogger("soulfra")
NAME: Final = "cache"
LOOK_SECONDS: Final = 0.2
"""Between two looks at the log, which other processes write to, too."""
REWIND_SECONDS: Final = 5.0
"""More than the second that an AOF may lose, and than a commit takes."""
REWIND_EVENTS: Final = 20_000
PAGE: Final = 500
TROUBLE: Final = (HouseError, psycopg.Error, TimeoutError)


class Follower:
    """One of a process; of all processes one at a time takes events."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._recent = Recent(cache)
        self._told = 0
        self.troubles = 0
        """Looks that came to nothing, because Redis or Postgres was away."""
        self.mended: Callable[[], None] = lambda: None
        """Called when tables were put right: what was known of them may be wrong."""

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self.step()
            except TROUBLE as error:
                if not self.troubles:
                    log.warning("cache: %s", error)
                self.troubles += 1
            await asyncio.sleep(LOOK_SECONDS)

    async def step(self) -> int:
        """Tell all that is settled; gives how many events. Redis is believed once it knows all."""
        redis = self._cache.redis
        async with self._cache.pool.connection() as conn:
            if self._cache.mended(await _mended(conn)):
                self.mended()
            await redis.ask("TIME")
            doubts = redis.doubts
            last = await newest(conn)
            place = await place_of(conn, NAME) or Place()
            if redis.is_believed and place >= last:
                return 0
            if doubts != self._told:
                await self._again(conn)
            taken = 0
            while took := await follow(conn, NAME, self._take, PAGE):
                taken += took
                if took < PAGE:
                    break
            if (await place_of(conn, NAME) or Place()) >= last:
                redis.clear(doubts)
                self._told = doubts
        return taken

    async def _again(self, conn: Connection) -> None:
        """What was told last."""
        asked = {"follower": NAME, "seconds": REWIND_SECONDS, "limit": REWIND_EVENTS}
        rows = await (await conn.execute(SQL["rewound"], asked)).fetchall()
        for start in range(len(rows), 0, -PAGE):
            some = rows[max(start - PAGE, 0) : start]
            await self._take(conn, [recorded(row) for row in reversed(some)])

    async def _take(self, _: Connection, events: list[Recorded]) -> None:
        """Marks first: who reads meanwhile must not put back what is old."""
        young = [each for each in events if _age(each.recorded_at) < WARM_SECONDS]
        if not young:
            return
        versions: dict[str, int] = {}
        for each in young:
            versions[each.stream] = max(each.version, versions.get(each.stream, 0))
        await self._cache.mark(versions, LONG_SECONDS)
        await self._recent.push(young, LONG_SECONDS)
        await self._activate(young)

    async def _activate(self, events: Sequence[Recorded]) -> None:
        """Who did something, and when last."""
        did: dict[str, Recorded] = {}
        for each in events:
            # Who whispered unsigned is not said to do anything.
            agent = None if each.type in UNSHOWN else _doer(each)
            if agent is not None and _age(each.recorded_at) < ACTIVE_SECONDS - 1:
                did[agent] = each
        told = [
            self._cache.redis.ask(
                "SET", AGENT_ACTIVE.of(agent_id=agent), _act(each),
                "EX", int(ACTIVE_SECONDS - _age(each.recorded_at)),
            )
            for agent, each in did.items()
        ]  # fmt: skip
        await asyncio.gather(*told)


def _doer(each: Recorded) -> str | None:
    """The agent who did it."""
    for name in ("agent_id", "opened_by", "founded_by", "author_agent"):
        agent: str | None = getattr(each.what, name, None)
        if agent is not None:
            return agent
    entity, _, name = each.stream.partition(":")
    return name if entity == "agent" else None


def _act(each: Recorded) -> str:
    said = {"position": each.position, "type": each.type, "at": each.recorded_at}
    return to_json(said).decode()


def _age(at: datetime) -> float:
    return max(now() / 1000 - at.timestamp(), 0.0)


async def _mended(conn: Connection) -> int:
    row = await (await conn.execute(SQL["mended"], {"mended": MENDED})).fetchone()
    return int(row[0]) if row else -AT_ODDS_MS
