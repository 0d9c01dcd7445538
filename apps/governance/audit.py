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
        self.trouble: str | None = None
        """Why the last write failed, until one succeeds."""

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
                await asyncio.to_thread(self.append, lines)
            except OSError:
                if not self.dropped:
                    log.warning("%s; lines are dropped and counted", self.trouble)
                self.dropped += len(events)

    def close(self) -> None:
        """Take no more; what was taken is still written."""
        self._closed = True
        self._wake.set()

    def check(self) -> str | None:
        """What hinders the next line, or None."""
        try:
            os.close(self._open())
        except OSError as error:
            return f"{self.path}: {error.strerror}"
        return self.trouble

    def append(self, lines: bytes) -> None:
        """Write and fsync; what fails is remembered until a later write succeeds."""
        try:
            self._write(lines)
        except OSError as error:
            self.trouble = f"{self.path}: {error.strerror}"
            raise
        self.trouble = None

    def _open(self) -> int:
        return os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)

    def _write(self, lines: bytes) -> None:
        handle = self._open()
        try:
            size = os.fstat(handle).st_size
            if size and os.pread(handle, 1, size - 1) != b"\n":
                lines = b"\n" + lines  # a failed write cut the last line; ours must not join it
            while lines:
                lines = lines[os.write(handle, lines) :]
            os.fsync(handle)
        finally:
            os.close(handle)
