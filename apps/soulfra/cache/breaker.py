"""Redis, asked with little patience: who does not answer is left alone for a while."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final

from apps.redis_line import Line, Script, Word
from apps.soulfra.cache.counts import Counts
from schemas.errors import HouseError, Unreachable

PATIENCE_SECONDS: Final = 0.15
"""For one question; Postgres has answered by then."""
LONG_SECONDS: Final = 2.0
"""For a follower's batch: nobody waits for it."""
GRACE_SECONDS: Final = 0.01
"""An answer that came while this process was busy with something else is read meanwhile."""
FAILURES: Final = 3
"""In a row, and it is given up."""
FIRST_REST_SECONDS, LAST_REST_SECONDS = 0.2, 5.0
"""Until it is tried again, by one question."""


class Redis:
    """A line with a breaker. What it was not told makes it doubtful, until a follower clears it."""

    def __init__(self, line: Line, counts: Counts) -> None:
        self._line = line
        self.counts = counts
        self._failed = 0
        self._rest = 0.0
        self._until = 0.0
        self._connected = 0
        self.doubts = 1
        """Times that it may have missed a change; nobody knows what it holds at the beginning."""
        self._cleared = 0

    @property
    def is_open(self) -> bool:
        """Whether it is left alone now."""
        return time.monotonic() < self._until

    @property
    def is_believed(self) -> bool:
        """Whether what it says can be old by no more than the follower's lag."""
        return self._cleared == self.doubts and not self.is_open

    def doubt(self) -> None:
        """It may hold what is old."""
        self.doubts += 1

    def clear(self, doubts: int) -> None:
        """All that it may have missed up to then, it has been told."""
        self._cleared = max(self._cleared, doubts)

    async def ask(self, *words: Word) -> Any:
        """The answer to one command; Unreachable when it takes too long."""
        is_known = not self.is_open and self._connected == self._line.connected
        try:
            answer = self._line.sent(*words) if is_known else None
            if answer is not None:
                return await self._answered(answer)
        except HouseError:
            self._fail()
            raise
        return await self._tried(lambda: self._line.ask(*words), PATIENCE_SECONDS)

    async def _answered(self, answer: "asyncio.Future[Any]") -> Any:
        """Without a task of its own: most reads are this."""
        timer = answer.get_loop().call_later(PATIENCE_SECONDS, _ending, answer)
        try:
            said = await answer
        finally:
            timer.cancel()
        self._failed, self._rest = 0, 0.0
        return said

    async def run(
        self,
        script: Script,
        keys: Sequence[str],
        words: Sequence[Word],
        seconds: float = PATIENCE_SECONDS,
    ) -> Any:
        """What a script gives."""
        return await self._tried(lambda: self._line.run(script, keys, words), seconds)

    async def close(self) -> None:
        """Hang up."""
        await self._line.close()

    async def _tried(self, asked: Callable[[], Coroutine[Any, Any, Any]], seconds: float) -> Any:
        if self.is_open:
            raise Unreachable("redis: is left alone for a while")
        task = asyncio.ensure_future(asked())
        try:
            if not await _in_time(task, seconds):
                raise Unreachable(f"redis: no answer for {seconds:g} s")
            said = task.result()
        except HouseError:
            self._fail()
            raise
        finally:
            task.cancel()
        self._failed, self._rest = 0, 0.0
        if self._line.connected != self._connected:
            self._connected = self._line.connected
            self.doubt()
        return said

    def _fail(self) -> None:
        self.counts.away += 1
        self._failed += 1
        if self._failed >= FAILURES:
            self.counts.opened += 1
            self._rest = min(max(self._rest * 2, FIRST_REST_SECONDS), LAST_REST_SECONDS)
            self._until = time.monotonic() + self._rest
            self._failed = FAILURES - 1  # one question more decides
            self.doubt()


def _ending(answer: "asyncio.Future[Any]", seconds: float = GRACE_SECONDS) -> None:
    """Wait no longer, but for what is there and only not read yet."""
    if seconds:
        answer.get_loop().call_later(seconds, _ending, answer, 0)
    elif not answer.done():
        answer.set_exception(Unreachable(f"redis: no answer for {PATIENCE_SECONDS:g} s"))


async def _in_time(task: "asyncio.Task[Any]", seconds: float) -> bool:
    """Whether it is done; what stalls this process does not count."""
    for patience in (seconds, GRACE_SECONDS):
        done, _ = await asyncio.wait((task,), timeout=patience)
        if done:
            return True
    return False
