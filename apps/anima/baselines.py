"""What each sensor usually says here: a mean and a spread that move slowly."""

import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from apps.anima.readings import Reading
from schemas.eisv import Anima
from schemas.quantity import clamp

BASELINE_SECONDS = 6 * 3600.0
"""Time constant. Time asleep does not count."""
READY_SECONDS = 3600.0
"""A sensor that was read for less has no baseline, and departs from nothing."""
USUAL, STRANGE = 1.0, 4.0
"""A departure of one spread means nothing; of four or more it means all it can."""
WEIGHT = 0.2
"""The share of stability that the strangest moment takes away."""

LEAST_SPREAD = {
    "cpu_temp_c": 0.5,
    "ambient_temp_c": 0.1,
    "humidity_pct": 0.5,
    "pressure_hpa": 0.2,
    "light_lux": 1.0,
    "load_1m": 0.05,
    "cpu_percent": 1.0,
    "memory_percent": 0.5,
    "disk_percent": 0.1,
}
"""No spread is smaller, in the sensor's unit: about what it can tell apart."""


class Baseline(NamedTuple):
    """Mean and variance of one sensor, and the seconds that they rest on."""

    mean: float
    variance: float
    seconds: float


class Baselines:
    """One baseline for each sensor that was ever read."""

    def __init__(self) -> None:
        self._of: dict[str, Baseline] = {}

    def recall(self, kept: Mapping[str, Any]) -> None:
        """Go on from what was kept; what makes no sense is left out."""
        for name, numbers in kept.items():
            mean, variance, seconds = (float(number) for number in numbers)
            if name in LEAST_SPREAD and math.isfinite(mean) and variance >= 0 and seconds >= 0:
                self._of[name] = Baseline(mean, variance, seconds)

    def follow(self, readings: Iterable[Reading], every: float) -> None:
        """Take in readings that stand for ``every`` seconds each.

        The mean is a plain one until it rests on the time constant, then an exponential one.
        """
        for taken in readings:
            name, value = taken.name, taken.value
            mean, variance, seconds = self._of.get(name, (value, 0.0, 0.0))
            seconds = min(seconds + every, BASELINE_SECONDS)
            share = min(every / seconds, 1.0)
            step = value - mean
            mean += share * step
            variance = (1 - share) * (variance + share * step * step)
            self._of[name] = Baseline(mean, variance, seconds)

    def departure(self, readings: Iterable[Reading]) -> float:
        """How strange the readings are, in [0, 1]: the mean over the sensors with a baseline.

        Each counts 0 up to USUAL spreads from its mean, 1 from STRANGE on, a straight line between.
        """
        departures = [
            clamp((abs(spreads) - USUAL) / (STRANGE - USUAL), 0, 1)
            for taken in readings
            if (spreads := self.spreads(taken.name, taken.value)) is not None
        ]
        return sum(departures) / len(departures) if departures else 0.0

    def spreads(self, name: str, value: float) -> float | None:
        """How many spreads a value lies above the mean; None without a baseline."""
        of = self._of.get(name)
        if of is None or of.seconds < READY_SECONDS:
            return None
        return (value - of.mean) / max(math.sqrt(of.variance), LEAST_SPREAD[name])

    def unsettle(self, felt: Anima, readings: Iterable[Reading]) -> Anima:
        """What is felt, less stable by as much as the readings are strange."""
        strange = self.departure(readings)
        if not strange:
            return felt
        stability = clamp(felt.stability * (1 - WEIGHT * strange), 0, 1)
        return felt.model_copy(update={"stability": stability})

    def kept(self) -> dict[str, list[float]]:
        """What a restart must know, to six digits."""
        return {
            name: [float(f"{number:.6g}") for number in numbers]
            for name, numbers in self._of.items()
        }
