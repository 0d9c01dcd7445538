"""The numbers both sides speak: anima, the mapped EISV, the drawing EISV.

Two EISVs exist. The *drawing* EISV is stepped on the Pi once per mark; the *governance*
EISV is stepped on the Mac once per check-in. Their ranges are stated here and nowhere else.
"""

from enum import StrEnum
from typing import Annotated

from schemas.quantity import Closed, Quantity

Ratio = Annotated[float, Quantity("1", "a ratio", low=0, high=1)]

Energy = Annotated[float, Quantity("1", "E: energy", low=0, high=1)]
Integrity = Annotated[float, Quantity("1", "I: information integrity", low=0, high=1)]
Entropy = Annotated[float, Quantity("1", "S: entropy", low=0.001, high=2)]
Void = Annotated[float, Quantity("1", "V: running balance of E and I", low=-2, high=2)]
Coherence = Annotated[float, Quantity("1", "C = Cmax/2 (1 + tanh(C1 V))", low=0, high=1)]


class Anima(Closed):
    """How the creature feels, mapped from its sensors on the Pi."""

    warmth: Annotated[float, Quantity("1", "anima mapping", low=0, high=1)]
    clarity: Annotated[float, Quantity("1", "anima mapping", low=0, high=1)]
    stability: Annotated[float, Quantity("1", "anima mapping", low=0, high=1)]
    presence: Annotated[float, Quantity("1", "anima mapping", low=0, high=1)]


class ReportedEisv(Closed):
    """The EISV that the Pi derives from its anima: E warmth, I clarity, S 1 - stability."""

    E: Annotated[float, Quantity("1", "warmth", low=0, high=1)]
    I: Annotated[float, Quantity("1", "clarity", low=0, high=1)]
    S: Annotated[float, Quantity("1", "1 - stability", low=0, high=1)]
    V: Annotated[float, Quantity("1", "0.3 (1 - presence); E - I from 2026-06", low=-1, high=1)]


class GovernanceEisv(Closed):
    """The governance state of an agent, stepped on the Mac at each check-in."""

    E: Energy
    I: Integrity
    S: Entropy
    V: Void


class Era(StrEnum):
    """The manner of drawing. The last two are named by the first seed only."""

    GESTURAL = "gestural"
    POINTILLIST = "pointillist"
    FIELD = "field"
    GEOMETRIC = "geometric"
    RESONANCE = "resonance"
    EXPRESSIVE = "expressive"
    MINIMAL = "minimal"


class Phase(StrEnum):
    """What the canvas is doing."""

    EXPLORING = "exploring"
    BUILDING = "building"
    REFLECTING = "reflecting"
    RESTING = "resting"


class ArcPhase(StrEnum):
    """Where the piece is in its story."""

    OPENING = "opening"
    DEVELOPING = "developing"
    RESOLVING = "resolving"
    CLOSING = "closing"


class DrawingEisv(Closed):
    """A snapshot of the drawing loop, as it crosses the bridge.

    The Pi's full resolution stays in ``drawing_history``. ``phase`` takes both vocabularies:
    the real client sends the arc's name there (``upstream`` 3.5).
    """

    E: Energy
    I: Integrity
    S: Entropy
    V: Void
    C: Coherence
    marks: Annotated[int, Quantity("{mark}", "canvas, since it was last cleared", low=0)]
    phase: Phase | ArcPhase | None = None
    era: Era | None = None
    energy: Ratio | None = None
    curiosity: Ratio | None = None
    engagement: Ratio | None = None
    fatigue: Ratio | None = None
    arc_phase: ArcPhase | None = None
    gesture_entropy: Ratio | None = None
    switching_rate: Ratio | None = None
    intentionality: Ratio | None = None
    i_momentum: Ratio | None = None
    coherence_settled: bool | None = None
    attention_exhausted: bool | None = None
    narrative_complete: bool | None = None
    compositional_satisfaction: Ratio | None = None
    drawing_goal: str | None = None
