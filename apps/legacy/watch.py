"""Whether an old SQLite file was written since, without a lock between two looks."""

import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import quote

from apps.legacy.source import Busy, stamp, way


class Watch:
    """SQLite's own count of commits by others; of a file that nobody has open, its stamp."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._db: sqlite3.Connection | None = None
        self._inode = self._opened = 0
        self._last: Any = None

    def moved(self) -> bool:
        """Whether it moved since this was asked last; true the first time."""
        before, self._last = self._last, self._token()
        return bool(before != self._last)

    def peek(self) -> bool:
        """Whether it would; it is not marked as seen."""
        return bool(self._token() != self._last)

    def close(self) -> None:
        """Leave the file."""
        if self._db is not None:
            self._db.close()
            self._db = None

    def again(self) -> None:
        """What moved was not applied: the next look says so, too."""
        self._last = None

    def _token(self) -> object:
        try:
            inode = self._path.stat().st_ino
            if inode != self._inode or way(self._path) != "shared":
                self.close()
            self._inode = inode
            if way(self._path) != "shared":
                return inode, stamp(self._path)
            if self._db is None:
                address = f"file:{quote(str(self._path.resolve()))}?mode=ro&readonly_shm=1"
                self._db = sqlite3.connect(address, uri=True, isolation_level=None)
                # Counts begin anew with each connection.
                self._opened += 1
            return inode, self._opened, self._db.execute("PRAGMA data_version").fetchone()
        except (OSError, sqlite3.Error) as error:
            self.close()
            self._last = None
            raise Busy(f"{self._path}: {error}", "is it being replaced? run it again") from error
