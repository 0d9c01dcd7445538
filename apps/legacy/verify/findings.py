"""What differs: all of it counted, the first of it kept."""

from dataclasses import dataclass, field
from typing import Final

from apps.legacy.verify.report import Batch, Difference

SHOWN: Final = 100
"""Differences and batches that are told; all are counted."""
AROUND: Final = 60
"""Characters of a value before and after where it parts."""


@dataclass
class Findings:
    """All that differs, the first of it in full."""

    count: int = 0
    first: list[Difference] = field(default_factory=list)
    batches: list[Batch] = field(default_factory=list)

    def add(self, difference: Difference) -> None:
        """One more."""
        self.count += 1
        if len(self.first) < SHOWN:
            self.first.append(difference)


def parted(before: str | None, now: str | None) -> tuple[str | None, str | None]:
    """Two values, each cut around the first place where they part."""
    if before is None or now is None:
        return _cut(before, 0), _cut(now, 0)
    place = next(
        (i for i, (a, b) in enumerate(zip(before, now, strict=False)) if a != b),
        min(len(before), len(now)),
    )
    return _cut(before, place), _cut(now, place)


def _cut(value: str | None, place: int) -> str | None:
    if value is None:
        return None
    begin, end = max(0, place - AROUND), place + AROUND
    told = value[begin:end]
    return f"{'…' if begin else ''}{told}{'…' if end < len(value) else ''}"
