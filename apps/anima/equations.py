"""The drawing EISV: pure functions, one call per mark. Constants after CIRWEL/anima-mcp (2026-02).

The order of one mark: C of the V before -> ``step`` with that C, over the signals of the window
without the gesture just made -> the gesture joins the window -> the signals anew -> ``attend``
with that C and the new signals. So a row of drawing_history holds E, I, S, V after the step, C
from before it, and signals that the next step takes.

Whatever goes in, what comes out is in its range: a number beyond a range counts as its nearer
end, and NaN, which is near to nothing, as the value at the start of a piece.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from schemas.eisv import ArcPhase

ALPHA, BETA_E, GAMMA_E = 0.01, 0.005, 0.002
BETA_I, K, GAMMA_I = 0.015, 0.005, 0.012
MU, LAMBDA_1, LAMBDA_2 = 0.04, 0.02, 0.008
KAPPA, DELTA = 0.015, 0.02
C_1, C_MAX = 1.0, 1.0
DT = 0.1

WINDOW = 20
"""Gestures that entropy and switching are measured over."""
SCARCE = 5
"""Fewer gestures than this say nothing about entropy."""
UNKNOWN_ENTROPY = 0.5
HABITUATION = 0.005
"""Curiosity that a mark costs a hand that is tired out; ours."""
PATIENT_TICKS = 4 * 3600
"""Draw intervals that looking does not tire; ours. Four hours at one a second."""
LOOKING = 0.00005
"""Fatigue of one draw interval after those; ours. Four hours of them are 0.72."""


def within(value: float, low: float, high: float, otherwise: float) -> float:
    """The nearest number to ``value`` in [low, high]; ``otherwise`` for NaN.

    >>> within(float("inf"), 0, 1, 0.5), within(float("nan"), 0, 1, 0.5)
    (1, 0.5)
    """
    if low <= value <= high:
        return value
    if math.isnan(value):
        return otherwise
    return low if value < low else high


@dataclass(frozen=True, slots=True)
class Eisv:
    """E, I in [0, 1]; S in [0.001, 2]; V in [-2, 2]."""

    E: float = 0.7
    I: float = 0.2
    S: float = 0.5
    V: float = 0.0

    @property
    def bounded(self) -> "Eisv":
        """The same within its ranges."""
        return Eisv(
            within(self.E, 0, 1, 0.7),
            within(self.I, 0, 1, 0.2),
            within(self.S, 0.001, 2, 0.5),
            within(self.V, -2, 2, 0.0),
        )


@dataclass(frozen=True, slots=True)
class Signals:
    """What the hand is doing, each in [0, 1]."""

    intentionality: float = 0.1
    gesture_entropy: float = UNKNOWN_ENTROPY
    switching_rate: float = 0.0

    @property
    def bounded(self) -> "Signals":
        """The same within its ranges."""
        return Signals(
            within(self.intentionality, 0, 1, 0.1),
            within(self.gesture_entropy, 0, 1, UNKNOWN_ENTROPY),
            within(self.switching_rate, 0, 1, 0.0),
        )


@dataclass(frozen=True, slots=True)
class Attention:
    """What is left of it, each in [0, 1]."""

    curiosity: float = 1.0
    engagement: float = 0.5
    fatigue: float = 0.0

    @property
    def bounded(self) -> "Attention":
        """The same within its ranges."""
        return Attention(
            within(self.curiosity, 0, 1, 1.0),
            within(self.engagement, 0, 1, 0.5),
            within(self.fatigue, 0, 1, 0.0),
        )

    @property
    def energy(self) -> float:
        """Curiosity and engagement, halved by full fatigue; in [0, 1]."""
        if not (0 <= self.curiosity <= 1 and 0 <= self.engagement <= 1 and 0 <= self.fatigue <= 1):
            return self.bounded.energy
        return (0.6 * self.curiosity + 0.4 * self.engagement) * (1 - 0.5 * self.fatigue)

    @property
    def is_exhausted(self) -> bool:
        """Nothing left to find, and no will or strength to look."""
        return self.curiosity < 0.15 and (self.engagement < 0.3 or self.fatigue > 0.8)


def coherence(V: float) -> float:
    """C in [0, 1] of V in [-2, 2].

    >>> coherence(0.0)
    0.5
    """
    return C_MAX * 0.5 * (1 + math.tanh(C_1 * within(V, -2, 2, 0.0)))


def step(state: Eisv, signals: Signals) -> tuple[Eisv, float]:
    """One Euler step; gives the new state and the coherence it was taken with."""
    state, signals = state.bounded, signals.bounded
    E, I, S, V = state.E, state.I, state.S, state.V
    aim, entropy = signals.intentionality, signals.gesture_entropy
    drift_squared = signals.switching_rate**2
    C = coherence(V)
    dE = ALPHA * (aim - E) - BETA_E * E * entropy + GAMMA_E * drift_squared
    dI = BETA_I * C - K * entropy - GAMMA_I * I
    dS = -MU * S + LAMBDA_1 * drift_squared - LAMBDA_2 * C
    dV = KAPPA * (aim - E) - DELTA * V
    return Eisv(E + DT * dE, I + DT * dI, S + DT * dS, V + DT * dV).bounded, C


def gesture_entropy(gestures: Sequence[str], vocabulary: int) -> float:
    """Shannon entropy of the last gestures over that of a vocabulary used evenly, in [0, 1].

    >>> gesture_entropy(["dot", "line"] * 10, vocabulary=4)
    0.5
    """
    window = gestures[-WINDOW:]
    if len(window) < SCARCE:
        return UNKNOWN_ENTROPY
    shares = [count / len(window) for count in Counter(window).values()]
    bits = -sum(share * math.log2(share) for share in shares)
    return within(bits / math.log2(max(vocabulary, 2)), 0, 1, UNKNOWN_ENTROPY)


def switching_rate(gestures: Sequence[str]) -> float:
    """Share of neighbours in the last gestures that differ, in [0, 1].

    >>> switching_rate(["dot", "dot", "line"])
    0.5
    """
    window = gestures[-WINDOW:]
    if len(window) < 2:
        return 0.0
    switches = sum(a != b for a, b in pairwise(window))
    return switches / (len(window) - 1)


def attend(
    before: Attention, signals: Signals, C: float, arc: ArcPhase, *, has_switched: bool
) -> Attention:
    """Attention after one mark.

    Upstream let curiosity grow back whenever C > 0.4, so it never ran out and pieces ended by
    the clock. Here a tired eye habituates: each mark also costs 0.005 x fatigue, which
    outweighs any growth (0.001 C) once fatigue is above 0.2.
    """
    before, signals, C = before.bounded, signals.bounded, within(C, 0, 1, 0.5)
    if arc is ArcPhase.RESOLVING:
        cost = 0.002
    elif C < 0.4:
        cost = 0.003 * (1 - C)
    else:
        cost = -0.001 * C
    cost += HABITUATION * before.fatigue
    aim = signals.intentionality * (1 - 0.5 * signals.gesture_entropy)
    return Attention(
        before.curiosity - cost,
        before.engagement + 0.05 * (aim - before.engagement),
        before.fatigue + 0.0004 + (0.005 if has_switched else 0),
    ).bounded


def look(before: Attention, ticks: int) -> Attention:
    """Attention after one draw interval, with a mark or without, ``ticks`` after the first.

    Upstream tires by marks alone, so a hand that rarely moves was never done before the cap.
    Here it also tires of looking, from the fourth hour on.
    """
    if ticks < PATIENT_TICKS:
        return before
    fatigue = within(before.fatigue + LOOKING, 0, 1, 0.0)
    return Attention(before.curiosity, before.engagement, fatigue)
