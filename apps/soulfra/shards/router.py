"""Commands to the shard whose they are: the agent, its slot, the map, the shard's own writer.

The map that is kept here may be old: the shard refuses what is not its own, then it is read again.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar
from uuid import UUID, uuid4

import psycopg

from apps.postgres import Connection, Pool
from apps.queries import load
from apps.soulfra.decisions.decision import Missing
from apps.soulfra.given import Done
from apps.soulfra.shards.carry import carry
from apps.soulfra.shards.elsewhere import Elsewhere
from apps.soulfra.slots import slot_of
from apps.soulfra.writer import Writer
from schemas.errors import Diverged, HouseError, Refused, Unreachable
from schemas.soulfra.commands import Asked, MeasureAgent, RegisterAgent, ShiftAgentTone
from schemas.soulfra.shards import HOME, Hold

log = logging.getLogger("soulfra")
T = TypeVar("T")
SQL: Final = load(Path(__file__).with_suffix(".sql"))
ALONE: Final = (ShiftAgentTone, MeasureAgent)
"""Commands about one agent and nobody else: the agent's shard does them. Home does the others."""
PATIENCE_SECONDS: Final = 8.0
"""How long a command waits for a slot that moves."""
PAUSE_SECONDS: Final = 0.02
KEEP_SECONDS: Final = 5.0
LEFT: Final = 200
"""Registrations that are carried in one go."""


@dataclass(frozen=True, slots=True)
class Shard:
    """A database with agents, and who writes there."""

    name: str
    place: str
    """As the map says it; empty at home."""
    pool: Pool
    writer: Writer


class Router:
    """One of a process. Without shards it is home's writer, and asks nothing more."""

    def __init__(
        self,
        home: Pool,
        connect: Callable[[str, str], Pool],
        writes: Callable[[Pool], Writer],
    ) -> None:
        """``connect`` makes a closed pool for the name and the place of a shard."""
        self.home = Shard(HOME, "", home, writes(home))
        self._writes = writes
        self._connect = connect
        self._shards = {HOME: self.home}
        self._owner: dict[int, str] = {}
        self._epoch: dict[int, int] = {}
        self._learning: asyncio.Task[None] | None = None
        self._opened = AsyncExitStack()
        self.moved = 0
        """Commands that came to a shard that has, or takes, their slot no more."""
        self.missed = 0
        """Times that the map was not read, or somebody not carried, and it was left for later."""

    async def give(self, body: Asked, command_id: UUID | None = None, by: str = "") -> Done:
        """Have a command done where it must be; raises what it is refused for."""
        # Tried again it is the same one, and its row moves with its agent.
        command_id = command_id or uuid4()
        if isinstance(body, RegisterAgent):
            return await self._register(body, command_id, by)
        if isinstance(body, ALONE):
            return await self._alone(body, command_id, by)
        return await self.home.writer.give(body, command_id, by)

    async def read(self, agent_id: str, ask: Callable[[Connection], Awaitable[T]]) -> T:
        """What its own shard says of an agent."""

        async def asked(shard: Shard) -> T:
            async with shard.pool.connection() as conn:
                return await ask(conn)

        return await self.at(agent_id, asked)

    async def at(self, agent_id: str, ask: Callable[[Shard], Awaitable[T]]) -> T:
        """What is said where an agent is, if it still was there when it had been said."""

        async def asked(shard: Shard) -> T:
            said = await ask(shard)
            await self._sure(shard, agent_id)
            return said

        return await self._until(agent_id, asked)

    @property
    def pools(self) -> list[Pool]:
        """Of every shard that has agents."""
        return [shard.pool for shard in self._shards.values()]

    @property
    def others(self) -> list[Shard]:
        """Beside home."""
        return [shard for shard in self._shards.values() if shard is not self.home]

    def shard(self, name: str) -> Shard:
        """One of those that have slots."""
        return self._shards[name]

    async def owned(self) -> dict[str, list[int]]:
        """The slots of each shard, as the map says now; nothing where there are no shards."""
        if self._owner:
            await self.learn()
        found: dict[str, list[int]] = {}
        for slot, name in self._owner.items():
            found.setdefault(name, []).append(slot)
        return found

    def away(self, agent_id: str) -> bool:
        """Whether another shard than home has an agent, as far as is known."""
        return self._at(agent_id) is not self.home

    async def learn(self) -> None:
        """Read the map anew; who asks while it is being read gets the same."""
        if self._learning is None:
            self._learning = asyncio.get_running_loop().create_task(self._learn())
        await asyncio.shield(self._learning)

    async def carry(self) -> int:
        """Carry what was registered at home for others and is not carried yet; gives how many."""
        async with self.home.pool.connection() as conn:
            found = await (await conn.execute(SQL["registrations"], {"limit": LEFT})).fetchall()
        for (agent_id,) in found:
            await self._carry(agent_id)
        return len(found)

    async def keep(self) -> None:
        """Learn and carry now and then, for ever: others may have moved, or died in between."""
        while True:
            await asyncio.sleep(KEEP_SECONDS)
            try:
                await self.learn()
                await self.carry()
            except (psycopg.Error, TimeoutError, HouseError) as error:
                self.missed += 1
                log.warning("shards: %s while looking after them", type(error).__name__)

    async def close(self) -> None:
        """Once all that waits is done."""
        for shard in self._shards.values():
            await shard.writer.close()
        await self._opened.aclose()

    async def _register(self, body: RegisterAgent, command_id: UUID, by: str) -> Done:
        """At home, which knows all users and all agents; then its shard is told."""
        agent_id = body.agent_id

        async def given(_: Shard) -> Done:
            return await self.home.writer.give(body, command_id, by)

        done = await self._until(agent_id, given)
        if self._at(agent_id) is not self.home:
            try:
                await self._carry(agent_id)
            except (psycopg.Error, TimeoutError, Unreachable) as error:
                # It is registered; whoever looks after the rest carries it.
                self.missed += 1
                log.warning("agent %s: %s while carrying it", agent_id, type(error).__name__)
        return done

    async def _alone(self, body: ShiftAgentTone | MeasureAgent, command_id: UUID, by: str) -> Done:
        async def given(shard: Shard) -> Done:
            try:
                return await shard.writer.give(body, command_id, by)
            except Refused:
                # By how an agent stood, perhaps, before it went: nothing was written that the
                # database could have refused.
                await self._sure(shard, body.agent_id)
                raise

        try:
            return await self._until(body.agent_id, given)
        except Missing:
            if self._at(body.agent_id) is self.home:
                raise
        await self._carry(body.agent_id)
        return await self._until(body.agent_id, given)

    async def _carry(self, agent_id: str) -> None:
        async def carried(shard: Shard) -> None:
            async with self.home.pool.connection() as home, shard.pool.connection() as there:
                await carry(home, there if shard is not self.home else None, agent_id)

        await self._until(agent_id, carried)

    async def _until(self, agent_id: str, do: Callable[[Shard], Awaitable[T]]) -> T:
        """Until the shard that the map names does it, or patience ends."""
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return await do(self._at(agent_id))
            except Elsewhere:
                if time.monotonic() > until:
                    raise
                self.moved += 1
                await asyncio.sleep(PAUSE_SECONDS)
                await self.learn()

    async def _sure(self, shard: Shard, agent_id: str) -> None:
        """Elsewhere unless the shard has the agent, and had it ever since our map was read."""
        async with shard.pool.connection() as conn:
            cursor = await conn.execute(SQL["state"], {"agent_id": agent_id})
            row = await cursor.fetchone()
        if row is None:
            return
        state, epoch = row
        known = self._epoch.get(slot_of(agent_id))
        if state not in {Hold.HERE, Hold.FROZEN} or epoch != known:
            raise Elsewhere(f"agent {agent_id!r}: moves", "ask again")

    def _at(self, agent_id: str) -> Shard:
        return self._shards[self._owner.get(slot_of(agent_id), HOME)]

    async def _learn(self) -> None:
        try:
            async with self.home.pool.connection() as conn:
                found = await (await conn.execute(SQL["places"])).fetchall()
            for name, place, here, slots, _ in found:
                if here and name != HOME:
                    raise Diverged(f"shard {name}: is asked as home", "is the URL the right one?")
                if slots and name not in self._shards:
                    there = await self._opened.enter_async_context(self._connect(name, place))
                    self._shards[name] = Shard(name, place, there, self._writes(there))
            self._owner = {slot: name for name, *_, slots, _ in found for slot in slots}
            self._epoch = {
                slot: epoch
                for *_, slots, epochs in found
                for slot, epoch in zip(slots, epochs, strict=True)
            }
        finally:
            self._learning = None
