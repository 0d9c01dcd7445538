"""The shape of the creature's way through its states, by the names that Lumen's windows bear.

docs/growing.md states the rules, where they were fitted and how well they agree.
"""

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from schemas.eisv import ReportedEisv

LETTERS = ("E", "I", "S", "V")
STATES = 4
"""States of a window, as in the measured ones."""
CALM = 0.016
"""Below it, each rate (1/s) and each change of rate (1/s2) is none."""
STEEP = 0.05
"""From it on a rate (1/s) is a rise or a fall."""
LEAP = 0.1
"""A change within one window that is a step into another basin, or a spike."""

SHAPES = (
    "basin_transition_up",
    "basin_transition_down",
    "entropy_spike_recovery",
    "void_rising",
    "rising_entropy",
    "falling_energy",
    "settled_presence",
    "convergence",
)
"""From the rarest to the plainest; where two fit, the first is meant."""


class Moment(NamedTuple):
    """E, I, S, V at one monotonic second."""

    at: float
    E: float
    I: float
    S: float
    V: float


class Seen(NamedTuple):
    """A window: its shape, its last state, the rates and how they change."""

    shape: str
    state: dict[str, float]
    rates: dict[str, float]
    bends: dict[str, float]
    states: int


def shape_of_rates(rates: dict[str, float], bends: dict[str, float]) -> str:
    """The shape by how fast the letters move (1/s), and how that changes (1/s2)."""
    if rates["V"] > STEEP:
        return "void_rising"
    if rates["S"] > STEEP:
        return "rising_entropy"
    if rates["E"] < -STEEP:
        return "falling_energy"
    is_calm = all(abs(rate) < CALM for rate in (*rates.values(), *bends.values()))
    return "convergence" if is_calm else "settled_presence"


def look(window: Sequence[Moment]) -> Seen:
    """The shape of a window of at least three moments, the oldest first."""
    before, middle, last = window[-3:]
    early, late = middle.at - before.at, last.at - middle.at
    rates: dict[str, float] = {}
    bends: dict[str, float] = {}
    for letter in LETTERS:
        x, y, z = (getattr(moment, letter) for moment in (before, middle, last))
        rates[letter] = (z - y) / late
        bends[letter] = (rates[letter] - (y - x) / early) / late
    state = {letter: getattr(last, letter) for letter in LETTERS}
    return Seen(_shape(window, rates, bends), state, rates, bends, len(window))


def _shape(window: Sequence[Moment], rates: dict[str, float], bends: dict[str, float]) -> str:
    first, last = window[0], window[-1]
    if abs(last.E - first.E) >= LEAP:
        return "basin_transition_up" if last.E > first.E else "basin_transition_down"
    if max(moment.S for moment in window) - max(first.S, last.S) >= LEAP:
        return "entropy_spike_recovery"
    return shape_of_rates(rates, bends)


class Way:
    """The last moments, and the rarest shape since somebody asked."""

    def __init__(self) -> None:
        self._window: deque[Moment] = deque(maxlen=STATES)
        self._rarest: Seen | None = None

    def follow(self, eisv: ReportedEisv | None, at: float) -> None:
        """The next moment, ``at`` in monotonic seconds; None is a gap, and begins anew."""
        if eisv is None or (self._window and at <= self._window[-1].at):
            self._window.clear()
        if eisv is None:
            return
        self._window.append(Moment(at, eisv.E, eisv.I, eisv.S, eisv.V))
        if len(self._window) < STATES:
            return
        seen, rarest = look(tuple(self._window)), self._rarest
        if rarest is None or SHAPES.index(seen.shape) <= SHAPES.index(rarest.shape):
            self._rarest = seen

    def take(self) -> Seen | None:
        """The rarest shape since the last taking, the newest of its kind; None if none was seen."""
        seen, self._rarest = self._rarest, None
        return seen
