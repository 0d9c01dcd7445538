"""Work that only one process should do at a time: a lock in Redis that ends by itself.

It spares work, it does not guard data. Who has it may be slow, and lose it without knowing; what
two must never do at once is kept apart by Postgres (row locks, ``pg_advisory_xact_lock``), and
then ``fence`` tells which of two came later. Without Redis everyone goes on.
"""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from secrets import token_hex
from typing import Final, NamedTuple

from apps.redis_line import Line, Script
from schemas.errors import HouseError, Refused
from schemas.governance import keys

log = logging.getLogger("governance")
LOCK: Final = Script.load(Path(__file__).with_name("lock.lua"))
UNLOCK: Final = Script.load(Path(__file__).with_name("unlock.lua"))


class Lease(NamedTuple):
    """A lock that we have."""

    name: str
    holder: str
    fence: int
    """Higher than that of everyone who had it before, also before a wipe of Redis."""


class Locks:
    """Locks by name."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self.alone = 0
        """Times that work was done without asking Redis, which was away."""

    async def take(self, name: str, seconds: int) -> Lease | None:
        """The lock for so long, or None when somebody has it; Unreachable without Redis."""
        if not 0 < seconds <= keys.LOCK_LIFETIME_SECONDS:
            raise Refused(f"lock {name!r}: {seconds} s are not 1 to {keys.LOCK_LIFETIME_SECONDS}")
        holder = token_hex(16)
        fence = await self._line.run(
            LOCK,
            [keys.lock(name), keys.fence(name)],
            [holder, seconds, keys.FENCE_LIFETIME_SECONDS],
        )
        return None if fence is None else Lease(name, holder, int(fence))

    async def give(self, lease: Lease) -> bool:
        """Give it back; False if it was not ours any more."""
        return bool(await self._line.run(UNLOCK, [keys.lock(lease.name)], [lease.holder]))

    @asynccontextmanager
    async def held(self, name: str, seconds: int) -> AsyncIterator[bool]:
        """Whether to do the work now: we have the lock, or there is nobody to ask for it."""
        lease = None
        try:
            lease = await self.take(name, seconds)
        except HouseError as error:
            if not self.alone:
                log.warning("%s; %s goes on without its lock", error.message, name)
            self.alone += 1
            yield True
            return
        try:
            yield lease is not None
        finally:
            if lease is not None:
                try:
                    await self.give(lease)
                except HouseError as error:
                    log.info("%s; the lock %s ends by itself", error.message, name)
