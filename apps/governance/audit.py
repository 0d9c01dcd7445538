"""audit_log.jsonl: the raw, append-only trail. One write and one fsync per batch."""

import asyncio
import logging
import os
from pathlib import Path
from typing import Any

from pydantic_core import to_json

log = logging.getLogger("governance")


class AuditLog:
    """The file. It is opened for each batch, so that renaming it rotates it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.dropped = 0
        """Lines that could not be written; audit.events has them."""

    async def append(self, events: list[dict[str, Any]]) -> None:
        """Write committed events. What cannot be written is counted and said once."""
        if not events:
            return
        lines = b"".join(to_json(event) + b"\n" for event in events)
        try:
            await asyncio.to_thread(self._write, lines)
        except OSError as error:
            if not self.dropped:
                log.error("%s: %s; lines are dropped and counted", self.path, error.strerror)
            self.dropped += len(events)

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
