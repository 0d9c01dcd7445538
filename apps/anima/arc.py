"""Where a piece is in its story, and when the story is over."""

from collections.abc import Sequence
from typing import NamedTuple

from apps.anima.canvas import FULL
from apps.anima.equations import Attention
from schemas.eisv import ArcPhase, Phase

PHASE_OF = {
    ArcPhase.OPENING: Phase.EXPLORING,
    ArcPhase.DEVELOPING: Phase.BUILDING,
    ArcPhase.RESOLVING: Phase.REFLECTING,
    ArcPhase.CLOSING: Phase.RESTING,
}
"""What the canvas does in each part of the story: two vocabularies, never one in the other."""

TIRED_CURIOSITY = 0.3
"""Below it a piece resolves even without coherence: attention that runs out ends pieces."""
FLOOR_TICKS = 60
"""A piece is not put away sooner than this after the canvas was cleared."""
HARD_CAP_TICKS = 8 * 3600
"""After so much drawing a piece is put away whatever it is: 8 h at one draw interval a second."""


class Telling(NamedTuple):
    """What the story is told from; ticks are draw intervals."""

    arc: ArcPhase
    ticks_in_phase: int
    pixels: int
    coherences: Sequence[float]
    velocity: float
    i_momentum: float
    attention: Attention
    satisfaction: float

    @property
    def coherence(self) -> float:
        """The latest C, in [0, 1]; 0.5 before the first mark."""
        return self.coherences[-1] if self.coherences else 0.5


def coherence_settled(coherences: Sequence[float]) -> bool:
    """At least 20 known, the last 10 high (mean > 0.7) and calm (variance < 0.01)."""
    if len(coherences) < 20:
        return False
    last = coherences[-10:]
    mean = sum(last) / len(last)
    variance = sum((C - mean) ** 2 for C in last) / len(last)
    return mean > 0.7 and variance < 0.01


def ending(told: Telling) -> str | None:
    """Why the story is over, or None while it is not: the first that holds."""
    attention = told.attention
    if told.arc is ArcPhase.CLOSING:
        return "closing"
    if attention.is_exhausted and coherence_settled(told.coherences):
        return "settled"
    if attention.curiosity < 0.2 and told.satisfaction > 0.7:
        return "composed"
    if attention.fatigue > 0.85:
        return "tired"
    if attention.energy < 0.05 and told.ticks_in_phase > 120 and told.pixels >= 50:
        return "spent"
    return None


def bound(pixels: int, ticks: int) -> str | None:
    """Why a piece must end that has no end of its own, or None while it may go on.

    An empty canvas has nothing to put away.
    """
    if pixels >= FULL:
        return "canvas full"
    return "hard cap" if pixels and ticks >= HARD_CAP_TICKS else None


def next_arc(told: Telling) -> ArcPhase:
    """The part of the story for the coming tick.

    opening -> developing at momentum 0.15, as upstream since 2026-06: 0.4 held pieces back.
    """
    C, arc = told.coherence, told.arc
    is_tired = told.attention.curiosity < TIRED_CURIOSITY
    is_over = ending(told) is not None
    if told.pixels < 10:
        return ArcPhase.OPENING
    if arc is ArcPhase.OPENING and told.i_momentum > 0.15 and told.ticks_in_phase > 10:
        arc = ArcPhase.DEVELOPING
    elif arc is ArcPhase.DEVELOPING:
        if is_tired or is_over or (C > 0.6 and abs(told.velocity) < 0.02):
            arc = ArcPhase.RESOLVING
        elif C < 0.3 and told.i_momentum < 0.3 and told.ticks_in_phase > 20:
            arc = ArcPhase.OPENING
    elif arc is ArcPhase.RESOLVING:
        if is_over:
            arc = ArcPhase.CLOSING
        elif C < 0.5 and not is_tired:
            arc = ArcPhase.DEVELOPING
    return arc
