"""Times of the old server's clock, which had no zone, as instants: by the zone that is stated.

An hour that came twice is read as its first pass, one that was skipped by the offset before it, as
Python's ``fold=0`` does; both are counted. A time that says its offset keeps it.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from schemas.errors import Refused

TIME: Final = r"\d{4}-\d\d-\d\dT\d\d:[0-5]\d:[0-5]\d(?:\.\d{6})?"
"""So that only its day and hour may be none, which the clock knows of the first of the hour."""
IS_TIME: Final = re.compile(TIME, re.ASCII).fullmatch
HOUR: Final = len("2025-11-28T04")
MINUTE: Final = len("2025-11-28T04:10")
KNOWN_LIMIT: Final = 100_000


class Offset(NamedTuple):
    """Of an hour or a minute: as text, whether it came twice or never, and its month in UTC."""

    text: str
    fold: int
    gap: int
    month: str


class Clock:
    """One zone, and how often it was not clear what it meant."""

    def __init__(self, zone: str) -> None:
        try:
            self._zone = ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise Refused(f"--zone: {zone!r} is no zone", "such as America/Denver") from None
        self.zone = zone
        self.folds = self.gaps = 0
        self._known: dict[str, Offset] = {}

    def instant(self, text: str) -> str:
        """With its offset, as Postgres reads it; ValueError when it is no time of 1900 to 9997."""
        return self.placed(text)[0]

    def placed(self, text: str) -> tuple[str, str]:
        """The instant, and its month in UTC."""
        at = datetime.fromisoformat(text)
        if not "1900" < text[:4] < "9998":
            raise ValueError("is outside the years 1901 to 9997")
        if at.tzinfo is not None:
            return at.isoformat(), f"{at.astimezone(UTC):%Y-%m}"
        text = at.isoformat()
        offset, fold, gap, month = self._known.get(text[:HOUR]) or self._look(text)
        self.folds += fold
        self.gaps += gap
        return text + offset, month

    def told(self, text: str) -> tuple[str, str]:
        """The same by the shorter way, where it is one."""
        return self.plain(text) if IS_TIME(text) else self.placed(text)

    def plain(self, text: str) -> tuple[str, str]:
        """The same of a text that is known to be a time: year, month, day, T, hour, and so on."""
        known = self._known.get(text[:HOUR])
        if known is None:
            return self.placed(text)
        self.folds += known.fold
        self.gaps += known.gap
        return text + known.text, known.month

    def _look(self, text: str) -> Offset:
        """By the minute, and kept by the hour where that is all the same."""
        hour = text[:HOUR]
        first, last = self._at(f"{hour}:00"), self._at(f"{hour}:59")
        if first != last:
            return self._at(text[:MINUTE])
        if len(self._known) > KNOWN_LIMIT:
            self._known.clear()
        self._known[hour] = first
        return first

    def _at(self, minute: str) -> Offset:
        at = datetime.fromisoformat(minute).replace(tzinfo=self._zone)
        first, second = at.utcoffset(), at.replace(fold=1).utcoffset()
        if first is None or second is None:
            raise ValueError("has no offset")
        month = f"{at.astimezone(UTC):%Y-%m}"
        return Offset(_shown(first), int(first > second), int(first < second), month)


def _shown(offset: timedelta) -> str:
    seconds = round(offset.total_seconds())
    sign, seconds = ("-", -seconds) if seconds < 0 else ("+", seconds)
    return f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
