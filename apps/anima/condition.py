"""How the creature is, told every few seconds to whoever looks: in /run, which is memory."""

from collections import deque
from datetime import datetime
from pathlib import Path

from apps import documents
from apps.anima.drawing import Drawing
from apps.anima.health import Health
from apps.anima.will import Will
from schemas.anima.files import Condition

TELL_SECONDS = 5.0
LATE_TURNS = 60
"""So many tellings a lateness is remembered: five minutes."""


class Teller:
    """Writes the condition to ``folder``; without one (RUNTIME_DIRECTORY) it only gives it."""

    def __init__(self, folder: str | None, agent: str, boot_id: str) -> None:
        self._file = Path(folder) / "condition.json" if folder else None
        self._agent, self._boot_id = agent, boot_id
        self._latest: deque[float] = deque(maxlen=LATE_TURNS)
        self._late = 0.0

    def late(self, seconds: float) -> None:
        """A chore was begun so long after it was due."""
        self._late = max(self._late, seconds)

    def tell(
        self,
        now: datetime,
        up_seconds: float,
        *,
        will: Will,
        drawing: Drawing,
        health: Health,
    ) -> Condition:
        """The condition now; OSError if it cannot be written."""
        self._latest.append(self._late)
        self._late = 0.0
        decision, piece = will.decision, drawing.piece
        told = Condition(
            at=now,
            agent=self._agent,
            boot_id=self._boot_id,
            up_seconds=up_seconds,
            anima=will.anima,
            may_draw=will.may_draw,
            action=decision.action if decision else None,
            margin=decision.margin if decision else None,
            reason=decision.reason if decision else None,
            decided_by=decision.decided_by if decision else None,
            era=piece.era,
            arc_phase=piece.arc_phase,
            marks=piece.marks,
            pixels=drawing.canvas.count,
            late_seconds=max(self._latest),
            **health.of_condition(),
        )
        if self._file:
            documents.write(self._file, told)
        return told
