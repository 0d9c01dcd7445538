"""How readings become feelings, and feelings the EISV that crosses the bridge."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from apps.anima.readings import Reading
from schemas.bridge import Action, Edge, Margin
from schemas.eisv import Anima, ReportedEisv
from schemas.quantity import clamp

Part = tuple[str, float, float, float]
"""A reading, its weight, the value that gives 0 and the one that gives 1."""
Feelings = Mapping[str, tuple[Part, ...]]

FEELINGS: Feelings = {
    #              reading          weight   gives 0   gives 1
    "warmth": (
        ("cpu_temp_c",               0.4,     25.0,     75.0),
        ("ambient_temp_c",           0.4,     10.0,     32.0),
        ("cpu_percent",              0.2,      0.0,    100.0),
    ),
    "clarity": (
        ("light_lux",                0.3,      0.0,    300.0),
        ("load_1m",                  0.3,      8.0,      0.0),
        ("memory_percent",           0.3,    100.0,     20.0),
        ("disk_percent",             0.1,    100.0,     50.0),
    ),
    "stability": (
        ("cpu_temp_c",               0.3,     85.0,     45.0),
        ("load_1m",                  0.3,      8.0,      0.5),
        ("memory_percent",           0.3,    100.0,     40.0),
        ("humidity_pct",             0.1,     95.0,     45.0),
    ),
    "presence": (
        ("memory_percent",           0.4,    100.0,     30.0),
        ("cpu_percent",              0.3,    100.0,     20.0),
        ("disk_percent",             0.3,    100.0,     50.0),
    ),
}  # fmt: skip
"""Each feeling is the weighted mean of its readings, each on a straight line from the value
that gives 0 to the value that gives 1, clamped. Weights count over the readings that exist.
``feelings.toml`` may say others (weights.py)."""


MOOD_SECONDS = 600.0
"""Time constant of the moods."""
MOOD_KEPT_SECONDS = 600.0
"""How long a mood outlives the last feeling: a bus that hangs is no reason to stop."""


def feel(readings: Iterable[Reading], feelings: Feelings = FEELINGS) -> Anima | None:
    """The anima of these readings; None if a feeling has no reading at all."""
    values = {taken.name: taken.value for taken in readings}
    felt: dict[str, float] = {}
    for feeling, parts in feelings.items():
        known = [part for part in parts if part[0] in values]
        if not known:
            return None
        score = sum(
            weight * clamp((values[name] - zero) / (one - zero), 0, 1)
            for name, weight, zero, one in known
        )
        felt[feeling] = clamp(score / sum(weight for _, weight, _, _ in known), 0, 1)
    return Anima(**felt)


def settle(before: Anima | None, now: Anima, seconds: float) -> Anima:
    """The mood ``seconds`` after ``before``, on its way to what is felt now.

    Each feeling closes all but exp(-seconds / MOOD_SECONDS) of the distance. A busy minute is
    no change of mood: governance takes a fast change for drift and would pause the drawing.
    """
    if before is None:
        return now
    share = 1 - math.exp(-seconds / MOOD_SECONDS)
    old, new = before.model_dump(), now.model_dump()
    return Anima(**{name: clamp(old[name] + share * (new[name] - old[name]), 0, 1) for name in old})


class Mood:
    """The mood of one run of the creature; times are monotonic, in seconds."""

    def __init__(self) -> None:
        self._anima: Anima | None = None
        self._felt_at = 0.0

    def follow(self, felt: Anima | None, every: float, now: float) -> Anima | None:
        """The mood now, ``every`` seconds after it was last asked for.

        A moment without feeling leaves it as it was, for MOOD_KEPT_SECONDS at most.
        """
        if felt is not None:
            self._anima, self._felt_at = settle(self._anima, felt, every), now
        elif now - self._felt_at > MOOD_KEPT_SECONDS:
            self._anima = None
        return self._anima


def report(anima: Anima) -> ReportedEisv:
    """The mapped EISV, in the form of 2026-02: V is 0.3 of what presence lacks."""
    return ReportedEisv(
        E=anima.warmth,
        I=anima.clarity,
        S=1 - anima.stability,
        V=(1 - anima.presence) * 0.3,
    )


@dataclass(frozen=True, slots=True)
class Decision:
    """What the creature may do, and who says so."""

    action: Action
    margin: Margin
    reason: str
    is_local: bool

    @property
    def decided_by(self) -> str:
        """The creature ``itself``, or ``governance``."""
        return "itself" if self.is_local else "governance"


def decide_alone(eisv: ReportedEisv, cause: str) -> Decision:
    """The creature's own verdict while governance does not answer, for ``cause``."""
    margins = {
        Edge.RISK: 0.60 - eisv.S,
        Edge.COHERENCE: eisv.I - 0.40,
        Edge.VOID: 0.15 - eisv.V,
    }
    edge = min(margins, key=lambda edge: margins[edge])
    left = margins[edge]
    if left < 0:
        action, reason = Action.PAUSE, f"Crossed {edge} threshold by {-left:.2f}"
        margin = Margin.CRITICAL if left <= -0.1 else Margin.WARNING
    else:
        action, reason = Action.PROCEED, f"State healthy (margin: {left:.2f})"
        margin = Margin.COMFORTABLE if left > 0.15 else Margin.TIGHT
    said = f"{reason} [governance unavailable: {cause}]"
    return Decision(action=action, margin=margin, reason=said, is_local=True)
