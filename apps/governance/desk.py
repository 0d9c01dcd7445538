"""A bounded number of callers at the pool: one too many is told so instead of waiting."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from apps.bridge.refusals import Busy
from apps.postgres import Connection, Pool

WAIT_SECONDS = 2.0
KEPT = 2
"""Connections that callers never get: the writer's and the probe's."""


class Desk:
    """Connections for what callers ask directly; check-ins go through the writer instead."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._seats = asyncio.Semaphore(pool.max_size - KEPT)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection of the pool, or Busy at once when all seats are taken."""
        if self._seats.locked():
            raise Busy("every connection to the database is in use", "send it again later")
        async with self._seats, self._pool.connection(WAIT_SECONDS) as conn:
            yield conn
