"""Which rows are wanted: a span of time, and words that a row must have."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.eisv import ArcPhase, Era, Phase
from schemas.errors import Refused


@dataclass(frozen=True, slots=True)
class Selection:
    """``from_at`` is the first instant that counts, ``upto_at`` the first that does not."""

    from_at: datetime | None = None
    upto_at: datetime | None = None
    era: str | None = None
    phase: str | None = None
    arc_phase: str | None = None

    @property
    def words(self) -> dict[str, str]:
        """Column to the word that it must have."""
        asked = {"era": self.era, "phase": self.phase, "arc_phase": self.arc_phase}
        return {column: word for column, word in asked.items() if word}

    def overlaps(self, first: datetime | None, last: datetime | None) -> bool:
        """Whether rows from ``first`` to ``last`` can be in the span."""
        too_late = self.upto_at is not None and first is not None and first >= self.upto_at
        too_early = self.from_at is not None and last is not None and last < self.from_at
        return not (too_late or too_early)

    def in_time(self, instants: "np.ndarray") -> "np.ndarray":
        """Which instants, in µs since 1970, are in the span."""
        kept = np.ones(len(instants), dtype=bool)
        if self.from_at:
            kept &= instants >= micros(self.from_at)
        if self.upto_at:
            kept &= instants < micros(self.upto_at)
        return kept

    def worded(self, table: pa.Table) -> pa.Table:
        """The rows that have every word."""
        for column, word in self.words.items():
            if column in table.schema.names:
                table = table.filter(pc.equal(table[column], word))
        return table

    def __str__(self) -> str:
        span = (f"from {self.from_at.isoformat()}" if self.from_at else "",
                f"upto {self.upto_at.isoformat()}" if self.upto_at else "")  # fmt: skip
        words = (f"{column} {word}" for column, word in self.words.items())
        return ", ".join(part for part in (*span, *words) if part) or "all"


def select(
    from_at: str | None, upto_at: str | None, era: str | None, phase: str | None, arc: str | None
) -> Selection:
    """What the options of a command ask for."""
    chosen = Selection(
        instant("--from", from_at),
        instant("--to", upto_at),
        word("--era", era, Era),
        word("--phase", phase, Phase),
        word("--arc-phase", arc, ArcPhase),
    )
    if chosen.from_at and chosen.upto_at and chosen.from_at >= chosen.upto_at:
        raise Refused(f"--to: {upto_at!r} is not after --from {from_at!r}")
    return chosen


def instant(option: str, said: str | None) -> datetime | None:
    """An instant with its offset, in UTC."""
    if said is None:
        return None
    try:
        found = datetime.fromisoformat(said)
    except ValueError:
        raise Refused(f"{option}: {said!r} is no instant", "2026-11-20T12:00Z") from None
    if found.tzinfo is None:
        raise Refused(
            f"{option}: {said!r} has no offset",
            f"{said}{'Z' if 'T' in said or ' ' in said else 'T00:00Z'} if UTC is meant",
        )
    return found.astimezone(UTC)


def word(option: str, said: str | None, known: Iterable[str]) -> str | None:
    """One of the known words."""
    words = [str(each) for each in known]
    if said is None or said in words:
        return said
    close = difflib.get_close_matches(said, words, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(words)}"
    raise Refused(f"{option}: nothing is called {said!r}", hint)


def micros(at: datetime) -> int:
    """µs since 1970, without a float in between."""
    span = at - datetime(1970, 1, 1, tzinfo=UTC)
    return (span.days * 86_400 + span.seconds) * 1_000_000 + span.microseconds
