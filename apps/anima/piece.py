"""The piece on the canvas: everything the drawing loop carries from one mark to the next."""

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from apps.anima.equations import Attention, Eisv, Signals
from apps.anima.eras import MANNERS, Hold
from schemas.eisv import ArcPhase, Era

START = Signals()


@dataclass(slots=True)
class Piece:
    """Saved in canvas.json, so that a restart goes on where the hand was."""

    era: Era
    x: float
    y: float
    uid: str = ""
    """Its name for ever; given with ``started_at`` at the first draw interval."""
    started_at: datetime | None = None
    heading: float = 0.0
    gesture: str = ""
    run: int = 0
    remaining: int = 0
    is_locked: bool = False
    gestures: list[str] = field(default_factory=list)

    marks: int = 0
    ticks: int = 0
    """Draw intervals since the canvas was cleared."""
    ticks_in_phase: int = 0
    arc_phase: ArcPhase = ArcPhase.OPENING
    closing_reason: str | None = None

    eisv: Eisv = field(default_factory=Eisv)
    attention: Attention = field(default_factory=Attention)
    intentionality: float = START.intentionality
    gesture_entropy: float = START.gesture_entropy
    switching_rate: float = START.switching_rate
    coherences: list[float] = field(default_factory=list)
    velocity: float = 0.0
    i_momentum: float = 0.0

    @classmethod
    def restored(cls, saved: dict[str, Any]) -> "Piece":
        """A piece out of what ``saved`` gave, as schemas.anima.files holds it to its ranges.

        An era that nobody draws, or a gesture of another one, would stop the hand for ever.
        """
        piece = cls(**saved)
        piece.eisv, piece.attention = Eisv(**saved["eisv"]), Attention(**saved["attention"])
        if piece.era not in MANNERS:
            raise ValueError(f"era: nobody draws {piece.era.value!r}")
        held = [piece.gesture] if piece.gesture or piece.remaining else []
        for gesture in (*held, *piece.gestures):
            if gesture not in MANNERS[piece.era].gestures:
                raise ValueError(f"gesture: {piece.era.value} has no {gesture!r}")
        return piece

    def saved(self) -> dict[str, Any]:
        """As JSON takes it."""
        begun = self.started_at and self.started_at.isoformat(timespec="microseconds")
        return asdict(self) | {"started_at": begun}

    @property
    def hold(self) -> Hold:
        """How the hand holds its gesture."""
        progress = 1 - self.remaining / self.run if self.run else 0.0
        return Hold(self.remaining, self.is_locked, progress)

    @property
    def signals(self) -> Signals:
        """The three signals as of the last mark."""
        return Signals(self.intentionality, self.gesture_entropy, self.switching_rate)
