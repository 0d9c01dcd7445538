"""Pure: a reliability curve from counted bins."""

from collections.abc import Iterable, Sequence
from math import sqrt
from typing import NamedTuple

from schemas.governance.calls.calibration import Bin
from schemas.quantity import clamp

BINS = 10
Z_95 = 1.959963984540054
"""Two-sided quantile of the normal distribution."""


class Counted(NamedTuple):
    """One bin as the database counts it."""

    number: int
    size: int
    confidence_sum: float
    actual_sum: float
    squares_sum: float
    """Of the distances of score and confidence."""


def curve(counted: Iterable[Counted]) -> tuple[Bin, ...]:
    """The bins that hold something, by confidence."""
    return tuple(_bin(each) for each in sorted(counted) if each.size)


def expected_error(bins: Sequence[Bin]) -> float | None:
    """Mean distance of observed rate and mean confidence, weighted by count."""
    total = sum(each.count for each in bins)
    if not total:
        return None
    apart = (each.count * abs(each.observed_rate - each.mean_confidence) for each in bins)
    return clamp(sum(apart) / total, 0, 1)


def brier(counted: Sequence[Counted]) -> float | None:
    """Mean squared distance of each score and its confidence."""
    total = sum(each.size for each in counted)
    return clamp(sum(each.squares_sum for each in counted) / total, 0, 1) if total else None


def wilson(rate: float, count: int) -> tuple[float, float]:
    """Wilson's interval of a rate, 95 %; a rate of parts is taken as one of wholes.

    >>> [round(end, 4) for end in wilson(0.5, 10)]
    [0.2366, 0.7634]
    """
    z2 = Z_95 * Z_95
    middle = (rate + z2 / (2 * count)) / (1 + z2 / count)
    half = Z_95 * sqrt(rate * (1 - rate) / count + z2 / (4 * count * count)) / (1 + z2 / count)
    return clamp(middle - half, 0, 1), clamp(middle + half, 0, 1)


def _bin(each: Counted) -> Bin:
    rate = clamp(each.actual_sum / each.size, 0, 1)
    low, high = wilson(rate, each.size)
    return Bin(
        low=each.number / BINS,
        high=(each.number + 1) / BINS,
        count=each.size,
        predicted=each.confidence_sum,
        actual=each.actual_sum,
        mean_confidence=clamp(each.confidence_sum / each.size, 0, 1),
        observed_rate=rate,
        rate_low=low,
        rate_high=high,
    )
