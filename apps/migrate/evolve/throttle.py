"""How much at once and how long between: rows are filled while others want the disk."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

BATCH_SECONDS: Final = 0.05
"""What a batch may take: so long a row of it is held."""
FIRST: Final = 500
LEAST: Final = 20
MOST: Final = 20_000
LAG_LOOK_SECONDS: Final = 0.2
LAG_SAY_SECONDS: Final = 2.0

Lag = Callable[[], tuple[int, int | None, float | None]]
"""Where the log is, where the slowest replica is, and its delay as the server says it."""


@dataclass(slots=True)
class Pace:
    """How fast rows are filled. What is not said adapts."""

    rows: int | None = None
    """In a batch at most."""
    pause_ms: float | None = None
    """Between two batches; else as long as makes up ``load``."""
    load: float = 0.5
    """Part of the time that is worked."""
    max_lag: float | None = None
    """Seconds that a replica may be behind."""
    rows_per_second: float | None = None
    size: int = field(default=FIRST, init=False)
    logged: list[tuple[float, int]] = field(default_factory=list, init=False)
    """When the log was where."""
    waited: float = field(default=0.0, init=False)
    """Seconds for replicas, in all."""

    def limit(self) -> int:
        """How many rows the next batch has."""
        return min(self.rows or MOST, self.size)

    def held_ms(self) -> int:
        """When a batch is given up, and tried smaller; 0 when there is no smaller one."""
        return int(2000 * BATCH_SECONDS) if self.limit() > LEAST else 0

    def after(self, rows: int, seconds: float) -> float:
        """Learn from a batch; gives how long to pause."""
        if rows >= self.limit():
            factor = min(2.0, max(0.5, BATCH_SECONDS / max(seconds, 1e-4)))
            self.size = int(min(MOST, max(LEAST, self.size * factor)))
        else:
            # Of the end of a part nothing is learnt but that it was slow.
            self.size = max(LEAST, self.size // 2) if seconds > 2 * BATCH_SECONDS else self.size
        pause = seconds * (1 / self.load - 1) if self.pause_ms is None else self.pause_ms / 1000
        if self.rows_per_second:
            pause = max(pause, rows / self.rows_per_second - seconds)
        return max(0.0, pause)

    def late(self) -> None:
        """A row was held by somebody: ask for less."""
        self.size = max(LEAST, self.size // 2)

    def behind(self, lag: Lag, now: float | None = None) -> float:
        """Seconds that the slowest replica is behind; 0 when there is none.

        A role that may not see delays sees where slots are: their delay is the age of the first
        place of the log that is beyond them.
        """
        log, slot, told = lag()
        at = time.monotonic() if now is None else now
        if not self.logged or self.logged[-1][1] < log:
            self.logged.append((at, log))
        if slot is None:
            self.logged = self.logged[-1:]
            return told or 0.0
        # The newest of those that every slot has seen need not stay.
        self.logged = [each for each in self.logged if each[1] > slot]
        age = at - self.logged[0][0] if self.logged else 0.0
        return max(told or 0.0, age)

    def catch_up(self, lag: Lag, waiting: Callable[[float], None]) -> None:
        """Wait until no replica is further behind than allowed."""
        if self.max_lag is None:
            return
        begun = time.monotonic()
        told = 0.0
        while (seconds := self.behind(lag)) > self.max_lag:
            if time.monotonic() - told > LAG_SAY_SECONDS:
                waiting(seconds)
                told = time.monotonic()
            time.sleep(LAG_LOOK_SECONDS)
        self.waited += time.monotonic() - begun
