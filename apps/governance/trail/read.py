"""Reads a trail from some place on, file after file, never ahead of what is on the disk."""

import gzip
import os
from datetime import date

from apps.governance.trail.files import File, listing
from apps.governance.trail.journal import Journal

CHUNK_BYTES = 1_048_576


class Reader:
    """The lines after a place in the chain, as they come to be.

    An open file stays the same one, whatever it is called meanwhile.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._handle: int | None = None
        self._packed: gzip.GzipFile | None = None
        self._inode = 0
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
        data = self._chunk()
        cut = data.rfind(b"\n") + 1
        self.offset += cut
        return data[: cut - 1].split(b"\n") if cut else []

    def turn(self) -> date | None:
        """Past the end of a file whose day is over: go on to the next; gives the day."""
        if self._handle is None or self._is_current():
            return None
        files = listing(self._journal.path)
        day = next((file.day for file in files if file.first.seq == self.first_seq), None)
        later = [file for file in files if file.first.seq > self.first_seq]
        if not later:
            return None
        self.close()
        self._open(later[0], 0)
        return day

    def close(self) -> None:
        """Let go of the file."""
        if self._handle is not None:
            os.close(self._handle)
        self._handle = self._packed = None

    def _open(self, file: File, offset: int) -> None:
        handle = os.open(file.path, os.O_RDONLY | os.O_CLOEXEC)
        self._handle, self._inode = handle, os.fstat(handle).st_ino
        self._packed = None
        if file.is_packed:
            self._packed = gzip.GzipFile(fileobj=os.fdopen(os.dup(handle), "rb"))
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
