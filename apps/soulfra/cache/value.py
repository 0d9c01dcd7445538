"""A value as it lies in Redis: JSON with its version first, so that a script reads it at a glance.

A mark is what a change leaves: nothing older than its version, and nothing that was read before it
was made, may be put in its place. What is not there is remembered too: version 0, no value.
"""

import re
import time
from dataclasses import dataclass
from typing import Final

from schemas.soulfra.keys import HOT_SECONDS, WARM_SECONDS

HEAD: Final = re.compile(
    r'^\{"version":(\d+),"made_at":(\d+),(?:"changed_at":(\d+),"value":|"mark")'
)


@dataclass(frozen=True, slots=True)
class Value:
    """How something stood; instants are milliseconds since 1970."""

    version: int
    made_at: int
    changed_at: int = 0
    text: str | None = None
    """JSON; None if it is not there."""

    def packed(self) -> str:
        """As it lies in Redis."""
        return (
            f'{{"version":{self.version},"made_at":{self.made_at},'
            f'"changed_at":{self.changed_at},"value":{self.text or "null"}}}'
        )

    @property
    def tier(self) -> str:
        """By the age of its last change: the guide's three."""
        age = (self.made_at - self.changed_at) / 1000
        return "hot" if age < HOT_SECONDS else "warm" if age < WARM_SECONDS else "cold"


def unpacked(said: str | None) -> Value | None:
    """What lies in Redis; None for a mark, and for nothing that can be read."""
    found = HEAD.match(said) if said else None
    if found is None or said is None or found[3] is None:
        return None
    text = said[found.end() : -1]
    return Value(int(found[1]), int(found[2]), int(found[3]), None if text == "null" else text)


def is_mark(said: str | None) -> bool:
    """Whether a change left it."""
    found = HEAD.match(said) if said else None
    return found is not None and found[3] is None


def now() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000
