"""One reader of the log for all who listen; each goes at its own pace, and none holds up another.

Nothing is queued for anybody: the newest messages are kept once, in a ring, and a listener is a
place in it. Who comes with an older place is read to from the log until the ring has the rest. Who
falls out of the ring, or takes nothing for a while, is told from where to go on, and hung up on.
Redis is not asked.
"""

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import psycopg

from apps.postgres import Pool
from apps.soulfra.feed import page, settled_until
from apps.soulfra.live.listening import (
    CLOSE_SECONDS,
    FULL,
    GOING_AWAY,
    SLOW,
    Listening,
    TooSlow,
)
from apps.soulfra.live.ring import Ring, framed
from apps.soulfra.log import Place, newest
from schemas.errors import Diverged

log = logging.getLogger("soulfra")
LISTENERS: Final = 500
AT_ONCE: Final = 2_000
CATCH_UP: Final = 500
"""Events that are looked at in one step for one who is behind the ring."""
CATCHING_UP: Final = 2
"""So many of them are read to at the same moment."""
CHUNK_BYTES: Final = 65_536
POLL_SECONDS: Final = 0.05
BEHIND_SECONDS: Final = 0.005
"""A pause at the end, for the last events."""
AWAY_SECONDS: Final = 0.5
DRAIN_SECONDS: Final = 5.0
CONNECTION_SECONDS: Final = 2.0
AWAY: Final = (psycopg.OperationalError, psycopg.InterfaceError, TimeoutError)


@dataclass(slots=True)
class Heard:
    """What became of those who listened, since the process began."""

    came: int = 0
    too_slow: int = 0
    turned_away: int = 0
    away: int = 0
    """How often Postgres did not answer, or with an event that this release cannot read."""


class Hub:
    """One of a process."""

    def __init__(self, pool: Pool, ring: Ring | None = None) -> None:
        self._pool = pool
        self._made = ring
        self._ring: Ring | None = None
        self._listeners: set[Listening] = set()
        self._wanted = asyncio.Event()
        self._ready = asyncio.Event()
        self._news = asyncio.Event()
        self._reading = asyncio.Lock()
        self._catching_up = asyncio.Semaphore(CATCHING_UP)
        self._ends = False
        self.counts = Heard()

    @property
    def is_full(self) -> bool:
        """Whether nobody else is let in."""
        return self._ends or len(self._listeners) >= LISTENERS

    def __len__(self) -> int:
        return len(self._listeners)

    def welcome(self, one: Listening) -> None:
        """One more listens."""
        if self.is_full:
            self.counts.turned_away += 1
            one.close(FULL, "too many listen; come again later")
            return
        self.counts.came += 1
        self._listeners.add(one)
        self._wanted.set()
        one.feeding = asyncio.get_running_loop().create_task(self._feed(one))

    def left(self, one: Listening) -> None:
        """One is gone."""
        self._listeners.discard(one)

    async def run(self) -> None:
        """Read for those who listen, until cancelled; for nobody nothing is read."""
        while True:
            await self._wanted.wait()
            try:
                count = await self._read()
            except (*AWAY, Diverged) as error:
                self.counts.away += 1
                log.warning("live: %s: %.200s", type(error).__name__, error)
                await asyncio.sleep(AWAY_SECONDS)
                continue
            if not self._listeners:
                self._wanted.clear()
                self._ready.clear()
                self._ring = None
            elif count < AT_ONCE:
                await asyncio.sleep(POLL_SECONDS)

    async def close(self) -> None:
        """Tell what is in the log by now, then say goodbye to everybody."""
        self._ends = True
        with suppress(Diverged, *AWAY):
            async with asyncio.timeout(DRAIN_SECONDS):
                last = await self._last()
                while self._listeners:
                    if not await self._read():
                        if not self._behind(last):
                            break
                        await asyncio.sleep(BEHIND_SECONDS)
                self._rouse()
                await self._all_gone()
        for one in tuple(self._listeners):
            self._goodbye(one)
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._all_gone()
        for one in tuple(self._listeners):
            one.abort()

    async def _last(self) -> Place:
        async with self._pool.connection(CONNECTION_SECONDS) as conn:
            return await newest(conn)

    def _behind(self, last: Place) -> bool:
        """Whether it waits for an event that an older transaction still holds up."""
        return self._ring is not None and self._ring.until < last

    async def _all_gone(self) -> None:
        for one in tuple(self._listeners):
            await one.gone.wait()

    async def _read(self) -> int:
        """Take the next page into the ring."""
        async with self._reading, self._pool.connection(CONNECTION_SECONDS) as conn:
            if self._ring is None:
                self._ring = self._made or Ring(await settled_until(conn))
                self._ready.set()
            found = await page(conn, self._ring.until, AT_ONCE)
        if found.looked_at:
            self._ring.add(found)
            self._rouse()
        return found.looked_at

    def _rouse(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    async def _feed(self, one: Listening) -> None:
        """Send to one what comes after its place, until it goes."""
        try:
            await self._ready.wait()
            if self._ring is not None:
                await self._follow(one, self._ring)
        except TooSlow:
            self.counts.too_slow += 1
            one.close(SLOW, f"too slow; go on from={one.place}")

    async def _follow(self, one: Listening, ring: Ring) -> None:
        place = ring.until if one.place is None else one.place
        while place < ring.since:
            place = one.place = await self._catch_up(one, place, ring)
        while True:
            news = self._news
            if place < ring.since:
                raise TooSlow
            frames, place = ring.after(place, one.streams, CHUNK_BYTES)
            one.place = place
            if frames:
                await one.send(frames)
            elif self._ends:
                self._goodbye(one)
                return
            else:
                await news.wait()

    async def _catch_up(self, one: Listening, place: Place, ring: Ring) -> Place:
        """Send a page from the log; gives up to where that is."""
        try:
            async with self._catching_up, self._pool.connection(CONNECTION_SECONDS) as conn:
                found = await page(conn, place, CATCH_UP, one.streams)
        except (*AWAY, Diverged):
            self.counts.away += 1
            await asyncio.sleep(AWAY_SECONDS)
            return place
        if found.told:
            await one.send(b"".join(framed(told) for told in found.told))
        return found.place if found.looked_at else ring.since

    def _goodbye(self, one: Listening) -> None:
        said = "" if one.place is None else f"; go on from={one.place}"
        one.close(GOING_AWAY, f"going away{said}")
