"""What the process keeps up beside its answers: each task again and again, each failure counted."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final

import psycopg

from schemas.errors import HouseError

log = logging.getLogger("soulfra")
AFTER_FAILURE_SECONDS: Final = 5.0
"""At least; a task of once a day waits for an hour."""
ENDING_SECONDS: Final = 5.0
"""For a task to end what it does; then it is cut off, and goes on there next time."""


@dataclass(slots=True)
class Task:
    """``do`` gives whether there is more to do at once; else it is done again in so long."""

    name: str
    do: Callable[[], Awaitable[bool]]
    seconds: float
    done: int = 0
    failed: int = 0
    why: str = ""
    """Of the last failure; empty after a success."""

    async def run(self, ending: asyncio.Event) -> None:
        """Until the process ends, whatever happens."""
        while not ending.is_set():
            seconds = self.seconds
            try:
                if await self.do():
                    seconds = 0.0
                self.done += 1
                self.why = ""
            except (HouseError, psycopg.Error, OSError, TimeoutError) as error:
                self._fell(f"{type(error).__name__}: {error}".partition("\n")[0])
                seconds = max(AFTER_FAILURE_SECONDS, self.seconds / 24)
            except Exception as error:
                log.exception("%s: a fault of ours", self.name)
                self._fell(type(error).__name__)
                seconds = max(AFTER_FAILURE_SECONDS, self.seconds / 24)
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await ending.wait()

    def _fell(self, why: str) -> None:
        self.failed += 1
        if why != self.why:  # said once, not every time
            log.warning("%s: %s", self.name, why)
        self.why = why


@asynccontextmanager
async def kept(tasks: list[Task]) -> AsyncIterator[list[Task]]:
    """Run them beside what is done within; at the end each ends its round."""
    ending = asyncio.Event()
    running = [asyncio.create_task(task.run(ending), name=task.name) for task in tasks]
    try:
        yield tasks
    finally:
        ending.set()
        if running:
            _, late = await asyncio.wait(running, timeout=ENDING_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)


def told(tasks: Sequence[Task]) -> dict[str, dict[str, int | str]]:
    """How each does, for whoever asks after the health."""
    return {
        task.name: {
            "done": task.done,
            "failed": task.failed,
            **({"why": task.why} if task.why else {}),
        }
        for task in tasks
    }
