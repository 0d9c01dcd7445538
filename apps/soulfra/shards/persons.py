"""In a person's name where their agents live: each shard's row-level security says what is seen."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import TypeVar
from uuid import UUID

from apps.postgres import Connection, Pool
from apps.soulfra.privacy.persons import in_the_name_of
from apps.soulfra.shards.router import Router, Shard

T = TypeVar("T")


class Persons:
    """Pools of the role that reads in a person's name; a shard's is opened when it is asked."""

    def __init__(self, home: Pool, router: Router, connect: Callable[[str, str], Pool]) -> None:
        """``connect`` makes a closed pool for the name and the place of a shard."""
        self.home = home
        self._router = router
        self._connect = connect
        self._pools = {router.home.name: home}
        self._opening = asyncio.Lock()
        self._opened = AsyncExitStack()

    async def agent(
        self, user_id: UUID, agent_id: str, ask: Callable[[Connection], Awaitable[T]]
    ) -> T:
        """What that person sees of an agent, where it lives."""

        async def asked(shard: Shard) -> T:
            async with in_the_name_of(await self._of(shard), user_id) as conn:
                return await ask(conn)

        return await self._router.at(agent_id, asked)

    async def close(self) -> None:
        """All but home's, which is whose that opened it."""
        await self._opened.aclose()

    async def _of(self, shard: Shard) -> Pool:
        async with self._opening:
            if shard.name not in self._pools:
                there = self._connect(shard.name, shard.place)
                self._pools[shard.name] = await self._opened.enter_async_context(there)
            return self._pools[shard.name]
