"""audit_log.jsonl: the raw, append-only trail. One write and one fsync for all that gathered."""

import asyncio
import logging
import os
from pathlib import Path
from typing import Any

from pydantic_core import to_json

log = logging.getLogger("governance")
PENDING_LIMIT = 100_000


class AuditLog:
    """The file. It is opened for each write, so that renaming it rotates it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._pending: list[dict[str, Any]] = []
        self._wake = asyncio.Event()
        self._closed = False
        self.dropped = 0
        """Lines that could not be written; audit.events has them."""

    def note(self, events: list[dict[str, Any]]) -> None:
        """Take committed events; they are written soon."""
        room = PENDING_LIMIT - len(self._pending)
        self._pending += events[:room]
        self.dropped += len(events[room:])
        self._wake.set()

    async def run(self) -> None:
        """Write what was taken until closed and empty; what fails is counted and said once."""
        while self._pending or not self._closed:
            await self._wake.wait()
            self._wake.clear()
            events, self._pending = self._pending, []
            if not events:
                continue
            lines = b"".join(to_json(event) + b"\n" for event in events)
            try:
                await asyncio.to_thread(self._write, lines)
            except OSError as error:
                if not self.dropped:
                    log.warning("%s: %s; lines are dropped and counted", self.path, error.strerror)
                self.dropped += len(events)

    def close(self) -> None:
        """Take no more; what was taken is still written."""
        self._closed = True
        self._wake.set()

    def check(self) -> str | None:
        """What hinders the next line, or None."""
        try:
            with self.path.open("ab"):
                return None
        except OSError as error:
            return f"{self.path}: {error.strerror}"

    def _write(self, lines: bytes) -> None:
        handle = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            size = os.fstat(handle).st_size
            if size and os.pread(handle, 1, size - 1) != b"\n":
                lines = b"\n" + lines  # a crash cut the last line; ours must not join it
            while lines:
                lines = lines[os.write(handle, lines) :]
            os.fsync(handle)
        finally:
            os.close(handle)
