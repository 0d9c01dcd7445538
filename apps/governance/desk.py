"""A bounded number of callers at the pool: one too many is told so instead of waiting."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from apps.bridge.refusals import Busy
from apps.postgres import Connection, Pool

WAIT_SECONDS = 2.0
KEPT = 3
"""Connections that callers never get: the writer's, the probe's and the one for look-ups."""


class Desk:
    """Connections for what callers ask directly; check-ins go through the writer instead."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self.seats = max(1, pool.max_size - KEPT)
        self._seats = asyncio.Semaphore(self.seats)
        self._look_ups = Turns(1, waiting=16)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection of the pool, or Busy at once when all seats are taken."""
        if self._seats.locked():
            raise Busy("every connection to the database is in use", "send it again later")
        async with self._seats, self._pool.connection(WAIT_SECONDS) as conn:
            yield conn

    @asynccontextmanager
    async def look_up(self) -> AsyncIterator[Connection]:
        """The one that is kept for who it is that knocks, however many sit at the desk.

        Whoever looks something up gathers what is asked meanwhile: few ever wait here.
        """
        async with self._look_ups.one(), self._pool.connection(WAIT_SECONDS) as conn:
            yield conn


class Share(Desk):
    """Some seats of a desk, for those who can wait: no more than these are ever theirs."""

    def __init__(self, desk: Desk, seats: int, waiting: int) -> None:
        self._desk = desk
        self._turns = Turns(seats, waiting)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection of the desk after a while, or Busy: at once where too many wait already."""
        async with self._turns.one(), self._desk.connection() as conn:
            yield conn


class Turns:
    """So many at once, and so many who wait their turn."""

    def __init__(self, at_once: int, waiting: int) -> None:
        self._free = asyncio.Semaphore(at_once)
        self._room = waiting
        self._waiting = 0

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """A turn within ``WAIT_SECONDS``, or Busy."""
        if self._free.locked() and self._waiting >= self._room:
            raise Busy(f"{self._waiting} are waiting already", "send it again later")
        self._waiting += 1
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._free.acquire()
        except TimeoutError:
            raise Busy(f"no turn within {WAIT_SECONDS:.0f} s", "send it again later") from None
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._free.release()
