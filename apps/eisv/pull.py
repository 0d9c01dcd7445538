"""Where the drawing equations come to rest while the hand does the same thing on and on."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from apps.anima import equations as eq

Numbers = np.ndarray[Any, Any]
LEAST_S: Final = 0.001


@dataclass(frozen=True, slots=True)
class Pull:
    """The rests of each state, the three signals given, each in [0, 1].

    dE does not depend on the other states, so E has one rest; V rests where E leaves it, C is a
    function of V, and I and S rest where C puts them.
    """

    intentionality: float
    gesture_entropy: float
    switching_rate: float

    def energy(self) -> float:
        """E where dE = 0."""
        aim, drift = self.intentionality, self.switching_rate**2
        pulled = eq.ALPHA * aim + eq.GAMMA_E * drift
        return pulled / (eq.ALPHA + eq.BETA_E * self.gesture_entropy)

    def balance(self, E: Numbers) -> Numbers:
        """V where dV = 0, for an E."""
        return eq.KAPPA * (self.intentionality - E) / eq.DELTA

    def integrity(self, V: Numbers) -> Numbers:
        """I where dI = 0, for a V; held in [0, 1]."""
        rest = (eq.BETA_I * coherence(V) - eq.K * self.gesture_entropy) / eq.GAMMA_I
        return np.clip(rest, 0, 1)

    def entropy(self, V: Numbers) -> Numbers:
        """S where dS = 0, for a V; held above its least value."""
        pushed = eq.LAMBDA_1 * self.switching_rate**2 - eq.LAMBDA_2 * coherence(V)
        return np.maximum(pushed / eq.MU, LEAST_S)


def coherence(V: Numbers) -> Numbers:
    """C of a V, as the equations take it."""
    rest: Numbers = eq.C_MAX * 0.5 * (1 + np.tanh(eq.C_1 * V))
    return rest
