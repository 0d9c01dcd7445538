"""What happened last: queues that the follower fills, and that a read makes again from the log."""

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from pydantic_core import to_json

from apps.postgres import Connection
from apps.redis_line import Script, Word
from apps.soulfra.cache.cache import Cache, Found, How
from apps.soulfra.cache.kinds import SQL
from apps.soulfra.cache.value import Value, now
from apps.soulfra.upcast import Recorded, led, recorded
from schemas.errors import HouseError
from schemas.soulfra import events as e
from schemas.soulfra.keys import (
    AGENT_WHISPERS,
    LOOP_EVENTS,
    MARK_SECONDS,
    RECENT,
    WARM_SECONDS,
)

HERE: Final = Path(__file__).parent
PUSH: Final = Script.load(HERE / "push.lua")
FILL: Final = Script.load(HERE / "fill.lua")
FORGET: Final = Script.load(HERE / "forget.lua")
MOST_RIGHT: Final = 100_000
MARK: Final = re.compile(r'^\{"at":\d+,"made_at":\d+,"mark"')
Items = list[tuple[int, str]]
"""The number of each, and its JSON; the oldest first."""


class Recent:
    """The newest events of a loop, the newest whispers of an agent."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._right: set[str] = set()
        """Queues of what stands in tables that were made anew since these were put right."""
        self._right_since = 0

    async def events(self, loop_id: str, *, fresh: bool = False) -> Found:
        """A JSON array, the newest last; None if there is no such loop."""
        return await self._get(LOOP_EVENTS.of(loop_id=loop_id), loop_id, _events, fresh=fresh)

    async def whispers(self, agent_id: str, *, fresh: bool = False) -> Found:
        """A JSON array, the newest last; an agent that never whispered has an empty one."""
        key = AGENT_WHISPERS.of(agent_id=agent_id)
        fresh = fresh or not await self._is_right(key)
        return await self._get(key, agent_id, _whispers, fresh=fresh)

    async def push(self, events: Sequence[Recorded], seconds: float) -> None:
        """Tell Redis of them; what it has already it keeps."""
        at, told = now(), []
        for each in events:
            for key, number, item, follows in _pushed(each):
                words: list[Word] = [number, item, follows, WARM_SECONDS, RECENT, at, MARK_SECONDS]
                told.append(self._cache.redis.run(PUSH, [key], words, seconds))
        await asyncio.gather(*told)  # the line keeps their order

    async def _is_right(self, key: str) -> bool:
        """Once after tables were put right a queue goes: it does not tell when it was read."""
        since = self._cache.wrong_until
        if since != self._right_since or len(self._right) > MOST_RIGHT:
            self._right_since = since
            self._right.clear()
        if since and key not in self._right and self._cache.redis.is_believed:
            try:
                await self._cache.redis.run(FORGET, [key], [0, 1, MARK_SECONDS, now()])
            except HouseError:
                return False
            self._right.add(key)
        return True

    async def _get(self, key: str, name: str, read: Any, *, fresh: bool) -> Found:
        if fresh:
            found = await self._read(key, name, read, How.FRESH)
            self._cache.count(found, is_joined=False)
            return found
        found, is_joined = await self._cache.flights.join(key, lambda: self._found(key, name, read))
        self._cache.count(found, is_joined=is_joined)
        return found

    async def _found(self, key: str, name: str, read: Any) -> Found:
        redis = self._cache.redis
        if not redis.is_believed:
            return await self._read(key, name, read, How.BYPASS)
        try:
            items = await redis.ask("LRANGE", key, 0, -1)
        except HouseError:
            items = []
        if not redis.is_believed:
            return await self._read(key, name, read, How.BYPASS)
        if not items or MARK.match(items[-1]):
            return await self._read(key, name, read, How.STALE if items else How.MISS)
        return Found(Value(0, now(), 0, f"[{','.join(items)}]"), How.HIT)

    async def _read(self, key: str, name: str, read: Any, how: How) -> Found:
        counts, began = self._cache.counts, now()
        counts.read += 1
        async with self._cache.pool.connection() as conn:
            items, changed_at = await read(conn, name)
        if items is None:
            return Found(Value(0, began), how)
        left = (changed_at - began) // 1000 + WARM_SECONDS
        if items and left > 0 and not self._cache.redis.is_open:
            words: list[Word] = [items[-1][0], began, left, *(item for _, item in items)]
            try:
                counts.lost += await self._cache.redis.run(FILL, [key], words) == 0
            except HouseError:
                counts.unput += 1
        return Found(Value(0, began, 0, f"[{','.join(item for _, item in items)}]"), how)


def _pushed(each: Recorded) -> list[tuple[str, int, str, int]]:
    """Queue, number, item and whether numbers follow one another, of what it belongs to."""
    entity, _, name = each.stream.partition(":")
    if entity != "loop":
        return []
    pushed = [(LOOP_EVENTS.of(loop_id=name), each.version, _event(each), 1)]
    what = each.what
    if isinstance(what, e.LoopCreated) and (agent_id := what.agent_id) is not None:
        item = _whisper(each.position, name, what.whisper, what.tone, what.created_at)
        pushed.append((AGENT_WHISPERS.of(agent_id=agent_id), each.position, item, 0))
    return pushed


def _event(each: Recorded) -> str:
    said = {
        "version": each.version,
        "type": each.type,
        "recorded_at": each.recorded_at,
        "data": each.what.model_dump(mode="json"),
        "by": each.metadata.get("by", ""),
    }
    return to_json(said).decode()


def _whisper(position: int, loop_id: str, text: str | None, tone: str, at: Any) -> str:
    said = {"position": position, "loop_id": loop_id, "text": text, "tone": tone, "at": at}
    return to_json(said).decode()


async def _events(conn: Connection, loop_id: str) -> tuple[Items | None, int]:
    asked = {"stream": f"loop:{loop_id}", "limit": RECENT}
    rows = await (await conn.execute(SQL["recent_events"], asked)).fetchall()
    lived = [recorded(row) for row in reversed(rows)]
    if not lived:
        return None, 0
    changed_at = int(lived[-1].recorded_at.timestamp() * 1000)
    return [(each.version, _event(each)) for each in lived], changed_at


async def _whispers(conn: Connection, agent_id: str) -> tuple[Items | None, int]:
    asked = {"id": agent_id, "limit": RECENT}
    rows = await (await conn.execute(led(SQL["recent_whispers"]), asked)).fetchall()
    if not rows:
        return [], 0
    changed_at = int(rows[0][4].timestamp() * 1000)
    return [(row[0], _whisper(*row)) for row in sorted(rows)], changed_at
