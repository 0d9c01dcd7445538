"""The outbox: what the log says is passed on to the streams in Redis, nothing twice, all in order.

Nobody writes to both. The relay follows the log; it moves on in Postgres once Redis has the events
and has noted, in the same step, how far they go. From this note everything else follows:

- behind the place in Postgres: Redis was restored to an older state; it is filled from the note on;
- ahead: the relay died in between; what is added again is refused by Redis and counted. If the log
  has no such event, the log is another one (a restore to an earlier instant uses transaction ids
  again): the streams are dropped and filled anew;
- no note, or a stream that ends elsewhere than noted: flushed, evicted, or written to by somebody;
  filled anew, with what is younger than a stream's lifetime. What is older is in the log.

Ids grow for ever, as the log's places do: see ``log.Place`` for what a restore does to them.
"""

import asyncio
import logging
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import psycopg

from apps.postgres import Connection, Pool
from apps.queries import load
from apps.redis_line import Line
from apps.soulfra.feed import Page, is_there, page, since
from apps.soulfra.log import SQL as LOG
from apps.soulfra.log import Place, place_of
from apps.soulfra.streams import Held, add, drop, look
from schemas.errors import Diverged, Refused, Unreachable
from schemas.soulfra.keys import STREAM_SECONDS
from schemas.soulfra.live import StreamName

log = logging.getLogger("soulfra")
SQL: Final = load(Path(__file__).with_suffix(".sql"))
FOLLOWER: Final = "streams"
AT_ONCE: Final = 2_000
"""Events that are looked at in one step."""
POLL_SECONDS: Final = 0.05
"""A pause when there is nothing new. A NOTIFY would have every commit wait for every other."""
LOOK_SECONDS: Final = 1.0
"""How often Redis is looked at when there is nothing to add."""
AWAY_SECONDS: Final = 0.5
AWAY: Final = (Unreachable, psycopg.OperationalError, psycopg.InterfaceError, TimeoutError)
STEP_SECONDS: Final = 10.0
CONNECTION_SECONDS: Final = 2.0


@dataclass(slots=True)
class Counts:
    """What a relay did since its process began."""

    sent: int = 0
    there_already: int = 0
    filled_anew: int = 0
    """How often Redis had lost something."""
    dropped: int = 0
    """Streams that were not of this log."""
    away: int = 0
    """How often Redis or Postgres did not answer."""


class Relay:
    """One of a process; of several processes one works at a time."""

    def __init__(self, pool: Pool, redis: Line, at_once: int = AT_ONCE) -> None:
        self._pool = pool
        self._redis = redis
        self._at_once = at_once
        self._looked = 0.0
        self.counts = Counts()
        self.trouble: str | None = None
        """What the last step failed for, until one succeeds."""
        self.behind_seconds = 0.0
        """Age of the oldest event that was not passed on, when it was last looked."""

    def told(self) -> dict[str, Any]:
        """How it is, for whoever watches."""
        behind = round(self.behind_seconds, 3)
        return {**asdict(self.counts), "behind_seconds": behind, "trouble": self.trouble}

    async def run(self) -> None:
        """Pass on until cancelled; whoever is away is waited for, and the log keeps everything."""
        while True:
            try:
                pause = POLL_SECONDS if await self.step() < self._at_once else 0
            except (*AWAY, Refused, Diverged) as error:
                if isinstance(error, AWAY):
                    self.counts.away += 1
                pause = AWAY_SECONDS
                said = str(getattr(error, "message", error))[:200] or type(error).__name__
                if said != self.trouble:
                    log.warning("streams: %s", said)
                self.trouble = said
            else:
                self.trouble = None
            await asyncio.sleep(pause)

    async def step(self) -> int:
        """Pass on the next page; gives how many events were looked at."""
        async with self._pool.connection(CONNECTION_SECONDS) as conn:
            place = await self._place(conn)
            cursor = await conn.execute(SQL["oldest"], place._asdict())
            row = await cursor.fetchone()
            self.behind_seconds = (datetime.now(UTC) - row[0]).total_seconds() if row else 0.0
            now = asyncio.get_running_loop().time()
            if row is None and now - self._looked < LOOK_SECONDS:
                return 0
            self._looked = now
            await look(self._redis)  # whether it answers, before anything is held
            async with conn.transaction():
                cursor = await conn.execute(SQL["hold"], {"follower": FOLLOWER})
                held = await cursor.fetchone()
                async with asyncio.timeout(STEP_SECONDS):
                    return await self._pass_on(conn) if held and held[0] else 0

    async def _place(self, conn: Connection) -> Place:
        return await place_of(conn, FOLLOWER) or Place()

    async def _pass_on(self, conn: Connection) -> int:
        place = await self._place(conn)
        held = await look(self._redis)
        after, held = await self._agreed(conn, place, held)
        found = await page(conn, after, self._at_once)
        if found.looked_at:
            await self._add(found)
            await self._move(conn, place, found)
        elif held.place is None:
            await self._add(Page([], place))  # all of it is too old for the streams
        return found.looked_at

    async def _agreed(self, conn: Connection, place: Place, held: Held) -> tuple[Place, Held]:
        """From where to go on, with what Redis holds."""
        wrong = held.foreign
        if held.place is not None and held.place > place and not await _is_ours(conn, held):
            wrong = list(StreamName)
        if wrong:
            await self._drop(wrong)
            held = await look(self._redis)
        if held.is_whole and held.place is not None:
            if held.place < place:
                self._lost("an older state")
            return min(place, held.place), held
        if place > Place():
            self._lost("not all of them")
        young = datetime.now(UTC) - timedelta(seconds=STREAM_SECONDS)
        return await since(conn, young, place), Held()

    async def _add(self, found: Page) -> None:
        try:
            there = await add(self._redis, found)
        except Diverged:
            await self._drop(list(StreamName))  # the next step fills them
            raise
        self.counts.there_already += there
        self.counts.sent += len(found.told) - there

    async def _move(self, conn: Connection, place: Place, found: Page) -> None:
        moved: dict[str, Any] = {
            "follower": FOLLOWER,
            **found.place._asdict(),
            "taken": found.looked_at,
            "recorded_at": found.recorded_at,
            "from_transaction_id": place.transaction_id,
            "from_position": place.position,
        }
        await conn.execute(LOG["move_follower"], moved)

    async def _drop(self, names: list[StreamName]) -> None:
        self.counts.dropped += len(names)
        log.warning("streams: %s: not of this log, dropped", ", ".join(names))
        await drop(self._redis, names)

    def _lost(self, why: str) -> None:
        self.counts.filled_anew += 1
        log.warning("streams: Redis holds %s, filling it from the log", why)


async def _is_ours(conn: Connection, held: Held) -> bool:
    """Whether the event that Redis noted last is in the log."""
    if held.place is None or held.recorded_at is None:
        return False
    return await is_there(conn, held.place, held.recorded_at)
