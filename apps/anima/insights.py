"""What the creature finds out: where two groups of observations differ by more than chance.

Each question collects how one thing went in each of a few groups. Once a day the groups with
enough observations are compared, the highest with the lowest. What differs surely is an insight,
or holds once more; what turns out the other way round, or to be nothing, is contradicted. Either
way the question then begins anew: each finding rests on observations of its own.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

ENOUGH = 8
"""Observations that a group takes to be compared."""
PLENTY = 60
"""Observations after which two groups that do not differ contradict that they did."""
SURE = 0.99
DOUBTFUL = 0.5
LEAST_VARIANCE = 1e-6
DIGITS = 6


class Group(NamedTuple):
    """Count, mean and sum of squared deviations (Welford)."""

    seen: int = 0
    mean: float = 0.0
    squares: float = 0.0

    def plus(self, value: float) -> "Group":
        """With one more observation."""
        count, step = self.seen + 1, value - self.mean
        mean = self.mean + step / count
        return Group(count, mean, self.squares + step * (value - mean))

    @property
    def error(self) -> float:
        """The squared standard error of the mean."""
        variance = self.squares / (self.seen - 1) if self.seen > 1 else 0.0
        return max(variance, LEAST_VARIANCE) / self.seen


def confidence(high: Group, low: Group, pairs: int) -> float:
    """How surely the first mean is above the second, in [0, 1].

    The normal approximation; the pairs that one could have chosen count against it (Bonferroni).
    """
    z = (high.mean - low.mean) / math.sqrt(high.error + low.error)
    return max(0.0, 1 - pairs * math.erfc(z / math.sqrt(2))) if z > 0 else 0.0


def _pair(name: str) -> tuple[str, str]:
    """The groups that an insight compares: ``clarity by hour: morning over night``."""
    above, below = name.partition(": ")[2].split(" over ")
    return above, below


class Insights:
    """The questions' groups, and what was found out so far."""

    def __init__(self, rows: Iterable[Mapping[str, Any]] = (), kept: Any = None) -> None:
        self._known = {row["id"]: dict(row) for row in rows}
        self._groups: dict[str, dict[str, Group]] = {
            question: {
                name: Group(int(n), float(m), float(s)) for name, (n, m, s) in groups.items()
            }
            for question, groups in (kept or {}).items()
        }

    def observe(self, question: str, group: str | None, value: float) -> None:
        """One more observation of ``question``, such as ``clarity by hour``; None is no group."""
        if group is not None:
            groups = self._groups.setdefault(question, {})
            groups[group] = groups.get(group, Group()).plus(value)

    def compare(self, at: str) -> list[dict[str, Any]]:
        """Put every question; gives the insights that are new or changed."""
        return [row for question in self._groups for row in self._put(question, at)]

    def _put(self, question: str, at: str) -> list[dict[str, Any]]:
        groups = self._groups[question]
        ready = sorted(
            (name for name in groups if groups[name].seen >= ENOUGH),
            key=lambda name: groups[name].mean,
        )
        if len(ready) < 2:
            return []
        low, high = ready[0], ready[-1]
        pairs = len(ready) * (len(ready) - 1) // 2
        sure = confidence(groups[high], groups[low], pairs)
        name = f"{question}: {high} over {low}"
        changed = []
        if sure >= SURE:
            self._known[name] = self._held(name, question, sure, at)
            changed.append(self._known[name])
        for known in self._known.values():
            if known["category"] == question and known["id"] != name:
                above, below = _pair(known["id"])
                if above in ready and below in ready and self._is_against(groups, above, below):
                    known["contradiction_count"] += 1
                    known["confidence"] *= 0.5
                    changed.append(known)
        if changed:
            self._groups[question] = {}
        return changed

    @staticmethod
    def _is_against(groups: Mapping[str, Group], above: str, below: str) -> bool:
        if confidence(groups[below], groups[above], 1) >= SURE:
            return True
        has_plenty = min(groups[above].seen, groups[below].seen) >= PLENTY
        return has_plenty and confidence(groups[above], groups[below], 1) < DOUBTFUL

    def _held(self, name: str, question: str, sure: float, at: str) -> dict[str, Any]:
        """The row of an insight that holds, for the first time or again."""
        known = self._known.get(name)
        of, _, by = question.partition(" by ")
        above, below = _pair(name)
        high, low = self._groups[question][above], self._groups[question][below]
        return {
            "id": name,
            "category": question,
            "description": f"{of} is {high.mean:.3g} with {by} {above},"
            f" {low.mean:.3g} with {below}",
            "confidence": sure,
            "sample_count": high.seen + low.seen,
            "discovered_at": known["discovered_at"] if known else at,
            "last_validated": at,
            "validation_count": known["validation_count"] + 1 if known else 0,
            "contradiction_count": known["contradiction_count"] if known else 0,
        }

    def kept(self) -> dict[str, dict[str, list[float]]]:
        """The groups, for a restart."""
        return {
            question: {n: [g.seen, round(g.mean, DIGITS), round(g.squares, DIGITS)]
                       for n, g in groups.items()}
            for question, groups in self._groups.items()
        }  # fmt: skip
