"""The whole database, read once in the background: damage is found before a backup keeps it."""

import sqlite3
import threading
import time
from pathlib import Path
from urllib.parse import quote

from apps.anima.log import say
from apps.sqlite import BUSY_TIMEOUT_MS

STEPS = 1_000
"""How much is checked between two rests, in SQLite's own steps."""
REST_SECONDS = 0.002
CACHE_KIB = 256


class Checkup:
    """One look at every page, row and index on a connection of its own, resting often.

    ``found`` is what is wrong. Not quick_check: an index that tells other rows is damage, too.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="checkup", daemon=True)
        self.found: str | None = None
        self.start = self._thread.start

    def close(self, timeout: float) -> bool:
        """Break off; False if that took too long."""
        self._closing.set()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        began = time.monotonic()
        try:
            verdict = self._check()
        except sqlite3.OperationalError as error:
            if not self._closing.is_set():
                say("database not checked", cause=error)
            return
        except sqlite3.DatabaseError as error:
            verdict = str(error)
        if verdict == "ok":
            say("database is whole", seconds=time.monotonic() - began)
        else:
            say("DATABASE DAMAGED", file=self._path, found=verdict)
            self.found = verdict

    def _check(self) -> str:
        uri = f"file:{quote(str(self._path))}?mode=ro"
        db = sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT_MS / 1000)
        try:
            db.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
            # True breaks it off; Event.wait is the rest.
            db.set_progress_handler(lambda: self._closing.wait(REST_SECONDS), STEPS)
            return str(db.execute("PRAGMA integrity_check(1)").fetchone()[0])
        finally:
            db.close()
