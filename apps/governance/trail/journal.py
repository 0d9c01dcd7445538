"""The current file of a trail, for its one writer: repaired at start, sealed, rotated by rename."""

import fcntl
import json
import os
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NamedTuple

from apps.governance.trail.files import (
    MODE,
    backwards,
    first_link,
    free,
    last_link,
    listing,
    sync_folder,
)
from apps.governance.trail.line import Link, Tip, is_sealed, link, seal
from schemas.errors import Diverged

BEFORE_CHAIN = "before-chain"


class Taken(Diverged):
    """Another process writes this trail."""


class Durable(NamedTuple):
    """How much of which file has reached the disk."""

    inode: int
    size: int


class Journal:
    """Lines in, each with its place in the chain; what ``write`` gave back is on the disk.

    A write that fails leaves nothing behind: the file is cut to where it was. A file that somebody
    else changed is told of in ``odd`` and gone on with: the chain shows the place for ever.
    """

    def __init__(self, path: Path, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.path = path
        self.tip = Tip()
        self.durable = Durable(0, 0)
        self.odd: str | None = None
        """What was not as we left it, found since the start."""
        self.spoilt: set[str] = set()
        """Names of packed days that cannot be read to their ends."""
        self._now = now
        self._handle: int | None = None
        self._day: date = now().date()

    def open(self, known: Tip | None = None) -> None:
        """Repair the end, find the chain's, hold the file. ``known`` is what Postgres has of it."""
        self._set_aside_unchained()
        handle = self._taken()
        self._day = self._day_of(handle)
        self._repair(handle)
        self.tip = self._end()
        if known and known.seq > self.tip.seq:
            self.odd = f"{self.path}: ends at line {self.tip.seq}, Postgres knows {known.seq}"
            self.tip = known  # the gap stays where everybody sees it
        elif known and known.seq == self.tip.seq and known.hash != self.tip.hash:
            self.odd = f"{self.path}: line {known.seq} is not the one that Postgres knows"

    def write(self, bodies: list[bytes]) -> None:
        """Seal, append and fsync; all of them or, with an OSError, none."""
        handle = self._ours()
        if self._now().date() != self._day:
            handle = self._rotated(handle)
        tip, lines = self.tip, []
        for body in bodies:
            line, tip = seal(body, tip)
            lines.append(line)
        self._append(handle, b"".join(lines))
        self.tip = tip

    def check(self) -> None:
        """An OSError if the file could not be written to."""
        os.close(os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, MODE))

    def close(self) -> None:
        """Let go of the file."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def _append(self, handle: int, data: bytes) -> None:
        size = self.durable.size
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(handle, rest) :]
            os.fsync(handle)
        except OSError:
            with suppress(OSError):
                os.ftruncate(handle, size)  # else _ours() finds what was left
            raise
        self.durable = self.durable._replace(size=size + len(data))

    def _ours(self) -> int:
        """The file as we left it, or what became of it; it ends with a whole line."""
        if self._handle is None:
            self.open(self.tip)
        handle = self._held()
        inode, size = self.durable
        try:
            there = self.path.stat().st_ino
        except FileNotFoundError:
            there = 0
        if there != inode:
            self.odd = f"{self.path}: was replaced by another file while we wrote to it"
            self.close()
            handle = self._taken()
        elif (found := os.fstat(handle).st_size) != size:
            self.odd = f"{self.path}: had {size} bytes and has {found}; another hand was at it"
        else:
            return handle
        self._repair(handle)
        return handle

    def _held(self) -> int:
        if self._handle is None:
            raise AssertionError
        return self._handle

    def _taken(self) -> int:
        """The current file, opened and locked: a second writer would break the chain."""
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        handle = os.open(self.path, flags, MODE)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            raise Taken(
                f"{self.path}: another process writes it", "two governances on one volume?"
            ) from None
        sync_folder(self.path.parent)
        found = os.fstat(handle)
        self._handle, self.durable = handle, Durable(found.st_ino, found.st_size)
        return handle

    def _rotated(self, handle: int) -> int:
        """A new file for a new day; the old one is called after its own."""
        if os.fstat(handle).st_size:
            self.path.rename(free(self.path, self._day.isoformat()))
            self.close()
            handle = self._taken()
        self._day = self._now().date()
        return handle

    def _day_of(self, handle: int) -> date:
        """When the file was last written to. Only a name hangs on it."""
        found = os.fstat(handle)
        return datetime.fromtimestamp(found.st_mtime, UTC).date() if found.st_size else self._day

    def _set_aside_unchained(self) -> None:
        """Lines of before there was a chain stay as they are, in a file of their own."""
        if self.path.is_file() and self.path.stat().st_size and first_link(self.path) is None:
            with self.path.open("rb") as file:
                if not _is_object(file.readline().rstrip(b"\n")):
                    return  # nothing but a torn line
            self.path.rename(free(self.path, BEFORE_CHAIN))
            sync_folder(self.path.parent)

    def _repair(self, handle: int) -> None:
        """End the file with a whole line; what a crash cut is kept in ``<name>.torn``."""
        size = os.fstat(handle).st_size
        keep, torn = self._torn(handle, size)
        if torn:
            aside = os.open(
                self.path.with_suffix(".torn"),
                os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC,
                MODE,
            )
            with os.fdopen(aside, "ab") as file:
                file.write(torn + b"\n")
                file.flush()
                os.fsync(file.fileno())
            sync_folder(self.path.parent)
            os.ftruncate(handle, keep)
            os.fsync(handle)
        elif keep and os.pread(handle, 1, keep - 1) != b"\n":
            os.write(handle, b"\n")  # only its end was cut
            os.fsync(handle)
        self.durable = Durable(os.fstat(handle).st_ino, os.fstat(handle).st_size)

    def _torn(self, handle: int, size: int) -> tuple[int, bytes]:
        """How much of the file is whole, and what comes after it."""
        keep, torn = size, b""
        with os.fdopen(os.dup(handle), "rb") as file:
            for start, line in backwards(file):
                whole = link(line)
                if _is_object(line[:-1]) if line.endswith(b"\n") else _is_whole(line, whole):
                    break
                keep, torn = start, line + torn
        return keep, torn

    def _end(self) -> Tip:
        """The end of the chain, over all files."""
        for path in (self.path, *(file.path for file in reversed(listing(self.path)))):
            if found := last_link(path):
                return found.tip
        return Tip()


def _is_whole(line: bytes, said: Link | None) -> bool:
    return said is not None and is_sealed(line, said)


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False
