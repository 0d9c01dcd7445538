"""Reads a trail from some place on, file after file, never ahead of what is on the disk."""

import gzip
import logging
import os
from datetime import date
from typing import BinaryIO

from apps.governance.trail.files import UNREADABLE, File, listing, readable
from apps.governance.trail.journal import Journal

log = logging.getLogger("governance")
CHUNK_BYTES = 1_048_576


class Reader:
    """The lines after a place in the chain, as they come to be.

    An open file stays the same one, whatever it is called meanwhile.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._handle: int | None = None
        self._packed: gzip.GzipFile | None = None
        self._below: BinaryIO | None = None
        self._inode = 0
        self._path = journal.path
        self._is_spent = False
        self.first_seq = 0
        """The number of the first line of the file that is read."""
        self.offset = 0
        """Bytes of it that were read, uncompressed."""

    def seek(self, first_seq: int, offset: int, seq: int) -> bool:
        """Go on in the file that begins with ``first_seq``, or find where ``seq`` is followed.

        False while there is no such line.
        """
        self.close()
        files = listing(self._journal.path)
        if same := [file for file in files if file.first.seq == first_seq]:
            self._open(same[-1], offset)
        elif holding := [file for file in files if file.first.seq <= seq + 1]:
            self._open(holding[-1], 0)
        elif files:
            self._open(files[0], 0)
        return self._handle is not None

    def read(self) -> list[bytes]:
        """The next whole lines without their ends; none at the end of the file for now."""
        if self._is_spent and not self._next():
            return []
        try:
            data = self._chunk()
        except UNREADABLE as error:
            return self._spoilt(error)
        cut = data.rfind(b"\n") + 1
        self.offset += cut
        return data[: cut - 1].split(b"\n") if cut else []

    def turn(self) -> date | None:
        """Past the end of a file whose day is over: go on to the next; gives the day."""
        if self._handle is None or self._is_spent or self._is_current():
            return None
        files = listing(self._journal.path)
        day = next((file.day for file in files if file.first.seq == self.first_seq), None)
        return day if self._next() else None

    def close(self) -> None:
        """Let go of the file."""
        if self._handle is not None:
            os.close(self._handle)
        if self._below is not None:
            self._below.close()
        self._handle = self._packed = self._below = None

    def _next(self) -> bool:
        """Go on to the next file, if there is one."""
        files = listing(self._journal.path)
        later = [file for file in files if file.first.seq > self.first_seq]
        if later:
            self.close()
            self._open(later[0], 0)
        return bool(later)

    def _spoilt(self, error: Exception) -> list[bytes]:
        """What can be read of a packed day that is not as it was packed. Its end is not known."""
        if self._path.name not in self._journal.spoilt:
            self._journal.spoilt.add(self._path.name)
            why = type(error).__name__
            log.warning("%s: cannot be unpacked: %s; abode audit verify", self._path, why)
        self._is_spent = True
        return readable(self._path) or self.read()

    def _open(self, file: File, offset: int) -> None:
        handle = os.open(file.path, os.O_RDONLY | os.O_CLOEXEC)
        self._handle, self._inode = handle, os.fstat(handle).st_ino
        self._packed = None
        self._path, self._is_spent = file.path, False
        if file.is_packed:
            self._below = os.fdopen(os.dup(handle), "rb")
            self._packed = gzip.GzipFile(fileobj=self._below)
        self.first_seq, self.offset = file.first.seq, offset

    def _is_current(self) -> bool:
        return self._journal.durable.inode in {0, self._inode}

    def _chunk(self) -> bytes:
        """What comes next, up to a chunk; a longer line whole."""
        size = CHUNK_BYTES
        while True:
            data = self._bytes(size)
            if b"\n" in data or len(data) < size:
                return data
            size *= 2

    def _bytes(self, size: int) -> bytes:
        if self._handle is None:
            return b""
        if self._packed is not None:
            self._packed.seek(self.offset)
            return self._packed.read(size)
        inode, durable = self._journal.durable
        if inode == 0:
            return b""
        if inode == self._inode:
            size = min(size, durable - self.offset)
        return os.pread(self._handle, size, self.offset) if size > 0 else b""
