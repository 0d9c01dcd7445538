"""What went wrong and what it all takes, gathered from every room: for check-in and condition."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from apps.anima import archives, retention
from apps.anima.checkin import failures
from apps.anima.clock import Clock
from apps.anima.failures import Failures
from apps.anima.store import Store

COUNT_SECONDS = 3_600.0
"""How often the archives are counted: there are three files a day, for ever."""


def rss_bytes() -> int | None:
    """Resident memory of this process; None if the kernel does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")


class Health:
    """Counts since the start, and sizes now. ``add`` brings a room's own count."""

    def __init__(
        self,
        home: Path,
        store: Store,
        clock: Clock,
        *rooms: Failures,
        backup_age: Callable[[], float | None] = lambda: None,
    ) -> None:
        self._home, self._store, self._clock = home, store, clock
        self._backup_age = backup_age
        self._rooms = [
            store.thinned,
            store.untold,
            store.failed,
            store.not_copied,
            clock.failures,
            *rooms,
        ]
        self._db_bytes: int | None = None
        self._archive_bytes: int | None = None
        self._counted_at = -COUNT_SECONDS

    def add(self, *rooms: Failures) -> None:
        """Further counts."""
        self._rooms += rooms

    @property
    def failures(self) -> dict[str, int]:
        """What could not be done, by kind, without what was lost by it."""
        return failures(*(room.counts for room in self._rooms))

    def look(self) -> None:
        """Measure what lies on the card; archives, which are many files, once an hour."""
        now = time.monotonic()
        try:
            self._db_bytes = retention.database_bytes(self._home)
            if now - self._counted_at >= COUNT_SECONDS:
                self._counted_at = now
                self._archive_bytes = archives.size_bytes(self._home)
        except OSError:
            self._db_bytes = None  # shown as not known

    def of_check_in(self) -> dict[str, object]:
        """Fields of ``PiHealth`` that the store does not know."""
        self.look()
        rooms = (room.counts for room in self._rooms)
        told = {**self._both(), "failures": failures(self._store.dropped.counts, *rooms)}
        return {name: value for name, value in told.items() if name != "archive_bytes"}

    def of_condition(self) -> dict[str, Any]:
        """Fields of ``Condition``."""
        return {
            **self._both(),
            "failures": self.failures,
            "dropped": dict(self._store.dropped.counts),
            "write_budget_bytes": self._store.card.budget,
        }

    def _both(self) -> dict[str, object]:
        try:
            backup_age = self._backup_age()
        except OSError:
            backup_age = None  # shown as not known
        return {
            "written_bytes_today": self._store.card.today,
            "rss_bytes": rss_bytes(),
            "clock_known": self._clock.is_known,
            "db_bytes": self._db_bytes,
            "archive_bytes": self._archive_bytes,
            "backup_age_seconds": backup_age,
        }
