"""The one writer of a trail. One write and one fsync for all lines that gathered meanwhile."""

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic_core import from_json, to_json

from apps.governance.trail.journal import Journal
from schemas.errors import HouseError, Refused, Unreachable

log = logging.getLogger("governance")
PENDING_LIMIT = 100_000
AGAIN_SECONDS = 1.0
QUICK_SECONDS = 0.005
"""So long the whole process may stand still for a write of some lines."""
NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
"""Text that Postgres cannot hold, as JSON writes it."""


class Scribe:
    """The one writer of a trail, and the promise that an awaited line is on the disk.

    A line that the disk does not take is kept and tried again; who waits for it is told so.
    """

    def __init__(self, path: Path) -> None:
        self.journal = Journal(path)
        self._pending: list[bytes] = []
        self._gathering: asyncio.Future[None] | None = None
        self._writing: asyncio.Future[None] | None = None
        self._wake = asyncio.Event()
        self._closed = False
        self._took = 0.0
        """Seconds of the last write."""
        self.dropped = 0
        """Lines that are lost: more waited than may, or the process ended before the disk took
        them."""
        self.trouble: str | None = None
        """Why the last write failed, until one succeeds."""
        self.on_written: Callable[[], None] | None = None
        """Told when lines reached the disk."""
        self.written_at: float | None = None
        """When lines last reached the disk, by the monotonic clock."""

    @property
    def path(self) -> Path:
        """The current file."""
        return self.journal.path

    def note(self, said: Sequence[dict[str, Any]]) -> None:
        """Take what nobody waits for; it is written soon. What finds no room is counted."""
        room = max(0, PENDING_LIMIT - len(self._pending))
        for each in said[:room]:
            try:
                self._pending.append(body(each))
            except Refused as error:
                self.dropped += 1
                log.warning("%s", error.message)
        self.dropped += len(said[room:])
        if said:
            self._wake.set()

    def queue(self, said: Sequence[dict[str, Any]]) -> Awaitable[None]:
        """Take lines in this very order, and before any that come later.

        What it gives can be awaited: done when they and all before them are on the disk,
        Unreachable when the disk does not take them.
        """
        bodies = [body(each) for each in said]
        if not bodies and not self._pending:
            return _shielded(self._writing)
        if self._gathering is None:
            self._gathering = asyncio.get_running_loop().create_future()
        self._pending += bodies
        self._wake.set()
        return _shielded(self._gathering)

    async def append(self, said: Sequence[dict[str, Any]]) -> None:
        """Write lines and return when they are on the disk; with others that come meanwhile."""
        await self.queue(said)

    def require(self) -> None:
        """Unreachable while the disk does not take lines: what cannot be told is not begun."""
        if self.trouble:
            raise Unreachable(self.trouble, "nothing is acknowledged without its line; free space")

    async def run(self) -> None:
        """Write what was taken until closed and empty; while it fails, every second again."""
        try:
            while self._pending or not self._closed:
                await self._wake.wait()
                self._wake.clear()
                if self._pending and not await self._write():
                    if self._closed:
                        break
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._closing(), AGAIN_SECONDS)
                    self._wake.set()
            if self._pending:
                self.dropped += len(self._pending)
                log.error("%s: %d lines are lost: %s", self.path, len(self._pending), self.trouble)
            self.journal.close()
        finally:
            gone = Unreachable(f"{self.path}: is not written any more", "send it again later")
            for waits in (self._writing, self._gathering):
                if waits is not None and not waits.done():
                    waits.set_exception(gone)
                    waits.exception()  # whoever waited may be gone

    def close(self) -> None:
        """Take no more; what was taken is still written."""
        self._closed = True
        self._wake.set()

    def check(self) -> str | None:
        """What hinders the next line, or None."""
        try:
            self.journal.check()
        except OSError as error:
            return f"{self.path}: {error.strerror}"
        return self.trouble

    async def _write(self) -> bool:
        bodies, self._pending = self._pending, []
        waits = self._gathering or asyncio.get_running_loop().create_future()
        self._writing, self._gathering = waits, None
        failed: str | None = None
        try:
            await self._kept(bodies)
        except (OSError, HouseError) as error:
            why = error.strerror if isinstance(error, OSError) else error.message
            failed = f"{self.path}: {why}"
            if not self.trouble:
                log.warning("%s; %d lines wait for it", failed, len(bodies))
            self._pending = bodies + self._pending
        else:
            self.written_at = time.monotonic()
            if self.on_written:
                self.on_written()
        self.trouble, self._writing = failed, None
        if failed:
            waits.set_exception(Unreachable(failed, "send it again later"))
            waits.exception()  # whoever waited may be gone
        else:
            waits.set_result(None)
        return failed is None

    async def _kept(self, bodies: list[bytes]) -> None:
        """Have the journal write: here while the disk is quick, since a thread takes longer."""
        begun = time.monotonic()
        try:
            if self._took < QUICK_SECONDS:
                self.journal.write(bodies)
            else:
                await asyncio.to_thread(self.journal.write, bodies)
        finally:
            self._took = time.monotonic() - begun

    async def _closing(self) -> None:
        while not self._closed:
            self._wake.clear()
            await self._wake.wait()


def body(said: dict[str, Any]) -> bytes:
    """The members of a line, as a row can hold them."""
    called = said.get("event_type", "line")
    try:
        body = to_json(said)
        if b"NaN" in body or b"Infinity" in body:
            from_json(body, allow_inf_nan=False)
    except (ValueError, UnicodeError):
        raise Refused(f"{called}: cannot be stored: holds what is not JSON") from None
    if b"\\u0000" in body and NUL.search(body):
        raise Refused(f"{called}: cannot be stored: holds a NUL")
    return body


async def _shielded(until: asyncio.Future[None] | None) -> None:
    """Wait for it, and never end it for the others that do."""
    if until is not None:
        await asyncio.shield(until)
