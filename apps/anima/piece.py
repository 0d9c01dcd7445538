"""The piece on the canvas: everything the drawing loop carries from one mark to the next."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from apps.anima.equations import Attention, Eisv, Signals
from apps.anima.eras import MANNERS, Hold
from schemas.eisv import ArcPhase, Era, Ratio

Count = Annotated[int, Field(ge=0)]


class Piece(BaseModel):
    """Saved in canvas.json, so that a restart goes on where the hand was."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    era: Era
    x: float
    y: float
    heading: float = 0.0
    gesture: str = ""
    run: Count = 0
    remaining: Count = 0
    is_locked: bool = False
    gestures: list[str] = Field(default_factory=list)

    marks: Count = 0
    ticks: Count = 0
    """Draw intervals since the canvas was cleared."""
    ticks_in_phase: Count = 0
    arc_phase: ArcPhase = ArcPhase.OPENING
    closing_reason: str | None = None

    eisv: Eisv = Eisv()
    attention: Attention = Attention()
    intentionality: Ratio = Signals().intentionality
    gesture_entropy: Ratio = Signals().gesture_entropy
    switching_rate: Ratio = Signals().switching_rate
    coherences: list[float] = Field(default_factory=list)
    velocity: float = 0.0
    i_momentum: float = 0.0

    @model_validator(mode="after")
    def _hand_knows_it(self) -> Self:
        """An era that nobody draws, or a gesture of another one, would stop the hand for ever."""
        if self.era not in MANNERS:
            raise ValueError(f"era: nobody draws {self.era.value!r}")
        known = MANNERS[self.era].gestures
        held = [self.gesture] if self.gesture or self.remaining else []
        for gesture in (*held, *self.gestures):
            if gesture not in known:
                raise ValueError(f"gesture: {self.era.value} has no {gesture!r}")
        return self

    @property
    def hold(self) -> Hold:
        """How the hand holds its gesture."""
        progress = 1 - self.remaining / self.run if self.run else 0.0
        return Hold(self.remaining, self.is_locked, progress)

    @property
    def signals(self) -> Signals:
        """The three signals as of the last mark."""
        return Signals(self.intentionality, self.gesture_entropy, self.switching_rate)
