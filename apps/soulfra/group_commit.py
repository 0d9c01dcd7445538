"""What waits is written together: while a batch is being committed the next one gathers.

Nobody waits for a timer, and nobody is answered before it is durable.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, TypeVar

from schemas.errors import Diverged, HouseError, Unreachable

log = logging.getLogger("soulfra")
G = TypeVar("G")
A = TypeVar("A")

AT_ONCE: Final = 256
"""Of one transaction."""
WAITING: Final = 10_000
"""That may wait; more are told to come again."""


class GroupCommit(Generic[G, A]):
    """A queue, and the one who writes what is in it."""

    def __init__(self, write: Callable[[Sequence[G]], Awaitable[Sequence[A | HouseError]]]) -> None:
        """``write`` commits all that it is given; it has an outcome for each, in their order."""
        self._write = write
        self._waiting: deque[tuple[G, asyncio.Future[A]]] = deque()
        self._writing: asyncio.Task[None] | None = None

    def put(self, given: G) -> asyncio.Future[A]:
        """The answer to come, or what it is refused for. It is written, whoever stops waiting."""
        if len(self._waiting) >= WAITING:
            raise Unreachable(f"soulfra: {WAITING} commands are waiting", "come again later")
        loop = asyncio.get_running_loop()
        told: asyncio.Future[A] = loop.create_future()
        self._waiting.append((given, told))
        if self._writing is None:
            self._writing = loop.create_task(self._write_all())
        return told

    async def close(self) -> None:
        """Once all that waits is done."""
        if self._writing is not None:
            await self._writing

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                count = min(len(self._waiting), AT_ONCE)
                some = [self._waiting.popleft() for _ in range(count)]
                for (_, told), outcome in zip(some, await self._outcomes(some), strict=True):
                    if told.done():
                        continue  # its caller is gone
                    if isinstance(outcome, HouseError):
                        told.set_exception(outcome)
                        told.exception()  # seen, should its caller be gone
                    else:
                        told.set_result(outcome)
        finally:
            self._writing = None
            for _, told in self._waiting:
                told.cancel()
            self._waiting.clear()

    async def _outcomes(
        self, some: Sequence[tuple[G, asyncio.Future[A]]]
    ) -> Sequence[A | HouseError]:
        """Nobody waits for ever, whatever happens."""
        try:
            return await self._write([given for given, _ in some])
        except Exception as error:
            log.exception("a batch of %d", len(some))
            return [Diverged(f"soulfra: {type(error).__name__}")] * len(some)
        except BaseException:
            for _, told in some:
                told.cancel()
            raise
