"""The whole database, read once a day in the background: before a backup keeps what is damaged."""

import sqlite3
import threading
import time
from pathlib import Path
from urllib.parse import quote

from apps.anima.altered import altered
from apps.anima.log import say
from apps.sqlite import BUSY_TIMEOUT_MS, MALFORMED

STEPS = 1_000
"""How much is checked between two rests, in SQLite's own steps."""
REST_SECONDS = 0.002
CACHE_KIB = 256
AGAIN_SECONDS = 86_400.0


class Checkup:
    """A look at every page, row and index on a connection of its own, resting often.

    ``found`` is what is wrong. Not quick_check: an index that tells other rows is damage, too.
    Then the rows are held against the journal: a value that changed by itself is damage as well.
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
        while not (self.found or self._closing.is_set()):
            self._look()
            self._closing.wait(0 if self.found else AGAIN_SECONDS)

    def _look(self) -> None:
        began = time.monotonic()
        try:
            verdict = self._check()
        except (sqlite3.OperationalError, OSError) as error:
            if not self._closing.is_set():
                say("database not checked", cause=error)
            return
        except MALFORMED as error:
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
            verdict = str(db.execute("PRAGMA integrity_check(1)").fetchone()[0])
            return altered(db, self._path, self._pause) or verdict if verdict == "ok" else verdict
        finally:
            db.close()

    def _pause(self, seconds: float) -> None:
        if self._closing.wait(seconds or REST_SECONDS):
            raise sqlite3.OperationalError("broken off")
