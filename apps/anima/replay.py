"""A recorded series instead of the board: ``ANIMA_SOURCE=replay:/path/series.csv``."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from apps.anima.readings import FRESH_SECONDS, UNITS, Reading
from apps.anima.series import Row, Series
from schemas.eisv import Anima

PREFIX = "replay:"


class Replay:
    """A sensor that reads a series. All of it is checked before the first reading.

    With a column ``seconds`` a row holds from its second on, counted from the first reading, and
    ages until the next row does; without one, each reading is the next row. After the last row
    it begins again, or with ``at_end = "stop"`` there is nothing more.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self.source = f"{PREFIX}{path.name}"
        self._series, self._clock = Series(path), clock
        self.feels = self._series.feels
        self.felt: Anima | None = None
        """How it felt at the last reading; None where the series does not say."""
        last = step = 0.0
        for row in self._series.rows():
            if row.seconds is not None:
                last, step = row.seconds, row.seconds - last
        self._span = last + (step or FRESH_SECONDS)
        """Seconds of one time through: the last row lasts as long as the one before it."""
        self._began = clock()
        self._begin()

    def read(self) -> Iterator[Reading]:
        """The readings of the row of this moment."""
        now = self._clock()
        row = self._at(now - self._began) if self._series.is_timed else self._following()
        taken = now if row is None or row.seconds is None else self._began + row.seconds
        is_fresh = now - taken <= FRESH_SECONDS
        self.felt = Anima(**row.felt) if row and row.felt and is_fresh else None
        for name, value in row.values.items() if row else ():
            yield Reading(name, value, UNITS[name], self.source, taken)

    def _begin(self) -> None:
        self._rows = self._series.rows()
        self._row: Row | None = None
        self._next = next(self._rows, None)

    def _following(self) -> Row | None:
        if self._next is None and self._series.goes_again:
            self._begin()
        self._row, self._next = self._next, next(self._rows, None)
        return self._row

    def _at(self, elapsed: float) -> Row | None:
        """The row in force so many seconds after the beginning."""
        if elapsed >= self._span and self._series.goes_again:
            self._began += elapsed // self._span * self._span
            elapsed %= self._span
            self._begin()
        while self._next and self._next.seconds is not None and self._next.seconds <= elapsed:
            self._row, self._next = self._next, next(self._rows, None)
        return self._row
