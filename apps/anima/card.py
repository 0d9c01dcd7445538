"""What the process writes to the card in a day, against what a day may cost (docs/card.md)."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

BUDGET_BYTES = 256 * 2**20
"""A day's worth: 16 GB of cheap flash, written 300 times over, lasts five years of such days even
if the card writes ten bytes for each that the kernel counts."""
THINNED = 10
"""Of so many feelings one is kept on a day that has cost too much."""


def written_bytes() -> int | None:
    """What this process had written to disks since it began; None if the kernel does not say."""
    try:
        lines = Path("/proc/self/io").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return next((int(line[13:]) for line in lines if line.startswith("write_bytes: ")), None)


class Card:
    """Bytes written by UTC day. Used by the main thread; any may look."""

    def __init__(
        self, budget: int = BUDGET_BYTES, told: Callable[[], int | None] = written_bytes
    ) -> None:
        self._told, self._seen = told, 0
        self._skipped = 0
        self.budget = budget
        self.day = ""
        self.today = 0

    def recall(self, day: str, written: int) -> None:
        """What an earlier run of this day had written."""
        self.day, self.today = day, written

    def count(self, now: datetime) -> int:
        """Take in what was written since the last time; gives the day's bytes."""
        day = now.date().isoformat()
        if day != self.day:
            self.day, self.today = day, 0
        total = self._told()
        if total is not None:
            self.today += total - self._seen
            self._seen = total
        return self.today

    @property
    def is_over(self) -> bool:
        """Whether the day has cost more than it may."""
        return self.today > self.budget

    def thins(self) -> bool:
        """Whether this feeling should not be written: nine of ten, on a day that is over."""
        if not self.is_over:
            return False
        self._skipped = (self._skipped + 1) % THINNED
        return self._skipped != 0
