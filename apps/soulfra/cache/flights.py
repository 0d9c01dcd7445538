"""One read for all who ask for the same: in this process, and of all processes."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from secrets import token_hex
from typing import Final, Generic, TypeVar

from apps.redis_line import Script
from apps.soulfra.cache.breaker import Redis
from apps.soulfra.cache.value import Value, unpacked
from schemas.soulfra.keys import READING, READING_SECONDS

T = TypeVar("T")
CLAIM: Final = Script.load(Path(__file__).with_name("claim.lua"))
FIRST_LOOK_SECONDS, LAST_LOOK_SECONDS = 0.002, 0.05
WAIT_SECONDS: Final = READING_SECONDS / 2


class Flights(Generic[T]):
    """Reads under way in this process, by what is read."""

    def __init__(self) -> None:
        self._under_way: dict[str, asyncio.Task[T]] = {}

    async def join(self, key: str, read: Callable[[], Awaitable[T]]) -> tuple[T, bool]:
        """What the read gives that is under way, or this one; and whether it was under way."""
        task = self._under_way.get(key)
        is_joined = task is not None
        if task is None:
            task = asyncio.ensure_future(_read(read))
            self._under_way[key] = task
            task.add_done_callback(lambda done: self._landed(key, done))
        return await asyncio.shield(task), is_joined

    def leave(self, key: str) -> None:
        """Whoever asks from now on begins anew: what is under way may be older."""
        self._under_way.pop(key, None)

    def leave_all(self) -> None:
        """The same of all."""
        self._under_way.clear()

    async def close(self) -> None:
        """Let all end."""
        await asyncio.gather(*self._under_way.values(), return_exceptions=True)

    def _landed(self, key: str, done: "asyncio.Task[T]") -> None:
        if self._under_way.get(key) is done:
            del self._under_way[key]
        if not done.cancelled():
            done.exception()  # seen, should everybody be gone


async def _read(read: Callable[[], Awaitable[T]]) -> T:
    return await read()


async def claimed(redis: Redis, key: str, wrong_until: int = 0) -> tuple[str, Value | None]:
    """Our token if it is ours to read; or what another process read meanwhile."""
    token, lock = token_hex(8), READING.of(key=key)
    pause, loop = FIRST_LOOK_SECONDS, asyncio.get_running_loop()
    until = loop.time() + WAIT_SECONDS
    while loop.time() < until:
        said = await redis.run(CLAIM, [key, lock], [token, READING_SECONDS, wrong_until])
        if said == 1:
            return token, None
        if said != 0 and (value := unpacked(said)) is not None:
            return "", value
        await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311  # no secret
        pause = min(pause * 2, LAST_LOOK_SECONDS)
    return "", None
