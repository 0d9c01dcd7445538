"""A file that is there to be thrown overboard when the disk is full."""

import os
from pathlib import Path

from apps.anima.log import say

SIZE_BYTES = 8 * 2**20
"""The WAL takes half of it, a day of rows the rest: time to be helped."""
ROOM_BYTES = 4 * SIZE_BYTES
"""Free space at which it is made: it must not be what fills the disk."""
LOW_BYTES = 2**20
"""Free space below which the database might not even open."""


class Ballast:
    """The file ``ballast`` in ANIMA_HOME."""

    def __init__(self, home: Path) -> None:
        self._path = home / "ballast"
        self._is_stuck = False

    def prepare(self) -> None:
        """At start: make it if there is room, drop it if there is hardly any."""
        try:
            disk = os.statvfs(self._path.parent)
            free = disk.f_bavail * disk.f_frsize
            if self._path.exists():
                if free < LOW_BYTES:
                    self.drop()
            elif free >= ROOM_BYTES:
                self._make()
        except OSError as error:
            say("no ballast", reason=error)

    def drop(self) -> bool:
        """Give its room back; False if it was not there."""
        try:
            self._path.unlink()
        except FileNotFoundError:
            return False
        except OSError as error:
            if not self._is_stuck:
                say("ballast stuck", file=self._path, reason=error)
            self._is_stuck = True
            return False
        say("DISK FULL: ballast dropped", file=self._path, bytes=SIZE_BYTES, hint="make room")
        return True

    def _make(self) -> None:
        with self._path.open("wb") as file:
            try:
                os.posix_fallocate(file.fileno(), 0, SIZE_BYTES)
            except OSError:
                self._path.unlink()
                raise
