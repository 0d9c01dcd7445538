"""One thread whose event loop owns the pool: any loop, any thread and plain code may call it."""

import asyncio
import os
from collections.abc import Coroutine
from concurrent.futures import Future
from threading import Lock, Thread, current_thread
from typing import Any, TypeVar

from schemas.errors import Refused, Unreachable

CALL_SECONDS = 20.0
"""For one call in all: opening, waiting for a connection, and the statements."""
CLOSE_SECONDS = 5.0
T = TypeVar("T")
Work = Coroutine[Any, Any, T]


class Owner:
    """Runs what it is given, one after the other or at once, until it is closed.

    Its loop runs nothing else, so nobody can block it; what it runs is bounded in time.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._pid = os.getpid()
        self._closed = False
        self._calls: set[asyncio.Task[Any]] = set()
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self._loop = self._runner.get_loop()
        self._ended = asyncio.Event()
        self._thread = Thread(target=self._run, name="governance-data", daemon=True)
        self._thread.start()

    async def run(self, work: Work[T]) -> T:
        """The result, in whichever loop it is awaited; cancelled with whoever awaits it."""
        if asyncio.get_running_loop() is self._loop:
            return await work
        return await asyncio.wrap_future(self.submit(work))

    def wait(self, work: Work[T]) -> T:
        """The result, for plain code: the calling thread waits, even if it runs a loop itself."""
        if current_thread() is self._thread:
            work.close()
            raise Refused("database: wait: is called by the thread it would wait for", "await it")
        return self.submit(work).result()

    def submit(self, work: Work[T]) -> Future[T]:
        """Begin it, unless this is the wrong process or too late."""
        if os.getpid() != self._pid:  # where the lock may be held for ever
            work.close()
            raise Refused(
                "database: was opened before this process was forked",
                "ask get_db() again in the child",
            )
        with self._lock:
            if self._closed:
                work.close()
                raise Refused("database: is closed", "ask get_db() again")
            return asyncio.run_coroutine_threadsafe(self._bounded(work), self._loop)

    def close(self, last: Work[None]) -> Future[None] | None:
        """Take no more; what began is ended first, then ``last``, then the thread.

        None if it was closed already, or another process opened it.
        """
        if os.getpid() == self._pid:
            with self._lock:
                if not self._closed:
                    self._closed = True
                    return asyncio.run_coroutine_threadsafe(self._drain(last), self._loop)
        last.close()
        return None

    async def _bounded(self, work: Work[T]) -> T:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  a coroutine runs in a task
        self._calls.add(task)
        try:
            async with asyncio.timeout(CALL_SECONDS):
                return await work
        except TimeoutError:
            raise Unreachable(f"database: no answer for {CALL_SECONDS:.0f} s", "later") from None
        finally:
            self._calls.discard(task)

    async def _drain(self, last: Work[None]) -> None:
        try:
            if self._calls:
                _, late = await asyncio.wait(self._calls, timeout=CLOSE_SECONDS)
                for call in late:
                    call.cancel()
            await last
        finally:
            self._ended.set()

    def _run(self) -> None:
        with self._runner:
            self._runner.run(self._ended.wait())
