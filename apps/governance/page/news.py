"""Whoever looks is told that something is new, as server-sent events; what it is, they ask for.

One question a second for all who listen, and none while nobody does. A listener that is slow
misses nothing and holds nothing: all that waits for it is a set of words.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator
from hashlib import sha256

import psycopg
from pydantic_core import to_json

from apps.bridge.refusals import Busy
from apps.governance.desk import Desk
from apps.governance.page.reading import one
from apps.governance.page.rows import Newest
from schemas.errors import Unreachable

log = logging.getLogger("governance")
LISTENERS_LIMIT = 32
EVERY_SECONDS = 1.0
BEAT_SECONDS = 15.0
LIFETIME_SECONDS = 900.0
"""Then the browser comes again by itself, and shows its token anew."""


def mark(newest: Newest) -> str:
    """One word for a state of affairs."""
    return sha256(to_json(newest)).hexdigest()[:16]


class Listener:
    """One open page, and what it has not been told yet."""

    def __init__(self) -> None:
        self.topics: set[str] = set()
        self.wake = asyncio.Event()

    def tell(self, topics: set[str]) -> None:
        """Let it know soon."""
        self.topics |= topics
        self.wake.set()


class News:
    """Who listens, and what they heard last."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._listeners: set[Listener] = set()
        self._somebody = asyncio.Event()
        self._closed = False
        self._newest: Newest | None = None

    @property
    def listeners(self) -> int:
        """How many listen now."""
        return len(self._listeners)

    async def watch(self) -> None:
        """Look for news while somebody listens, until cancelled."""
        silent = False
        while True:
            await self._somebody.wait()
            try:
                await self._look()
                silent = False
            except (psycopg.Error, Unreachable, TimeoutError) as error:
                if not silent:
                    log.warning("page: no news: %s", type(error).__name__)
                silent = True
            await asyncio.sleep(EVERY_SECONDS)

    async def newest(self) -> Newest:
        """What is newest of each kind."""
        async with self._desk.connection() as conn:
            return await one(conn, Newest, "news")

    def close(self) -> None:
        """End every stream now, and begin no other."""
        self._closed = True
        for listener in self._listeners:
            listener.wake.set()

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """Events for one more listener, or Busy; Postgres is asked before anything is answered."""
        if self._closed or len(self._listeners) >= LISTENERS_LIMIT:
            raise Busy(f"{len(self._listeners)} pages are open already", "it tries again by itself")
        return self._told(Listener(), await self.newest())

    async def _look(self) -> None:
        newest, before = await self.newest(), self._newest
        self._newest = newest
        if before is None:
            return
        pairs = zip(Newest._fields, before, newest, strict=True)
        topics = {name for name, was, is_now in pairs if was != is_now}
        for listener in self._listeners if topics else ():
            listener.tell(topics)

    def _leave(self, listener: Listener) -> None:
        self._listeners.discard(listener)
        if not self._listeners:
            self._somebody.clear()
            self._newest = None

    async def _told(self, listener: Listener, newest: Newest) -> AsyncGenerator[bytes, None]:
        loop = asyncio.get_running_loop()
        until = loop.time() + LIFETIME_SECONDS
        # Here and not before: what is never begun is never ended.
        self._listeners.add(listener)
        try:
            self._newest = self._newest or newest
            self._somebody.set()
            yield b"retry: 3000\n\n" + _event("hello", mark(newest))
            while not self._closed and loop.time() < until:
                try:
                    async with asyncio.timeout(BEAT_SECONDS):
                        await listener.wake.wait()
                except TimeoutError:
                    yield _event("beat", "")
                    continue
                listener.wake.clear()
                topics, listener.topics = listener.topics, set()
                if topics:
                    yield _event("news", " ".join(sorted(topics)))
        finally:
            self._leave(listener)


def _event(name: str, data: str) -> bytes:
    return f"event: {name}\ndata: {data}\n\n".encode()
