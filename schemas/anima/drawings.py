"""The pieces that the creature finished: one row each, and the picture in a file of its own."""

from enum import StrEnum
from typing import Annotated

from pydantic import StringConstraints

from schemas.anima.tables import Numbered
from schemas.eisv import Coherence, Energy, Entropy, Era, Integrity, Ratio, Void
from schemas.quantity import Instant, Quantity
from schemas.table import Column, Table

PICTURE = r"[0-9]{8}T[0-9]{6}Z-[a-z]+-[0-9a-f]{8,16}\.png"
"""What a picture is called: when the piece was finished, its era, the head of its piece_uid."""


class CompletionReason(StrEnum):
    """Why a piece is finished. The last two are bounds; the others are the piece's own."""

    SETTLED = "settled"
    """Coherence is high and calm, and attention has run out."""
    COMPOSED = "composed"
    """The picture is well composed, and there is little left to find."""
    TIRED = "tired"
    """The hand is tired out."""
    SPENT = "spent"
    """Next to no energy is left, for two minutes."""
    CLOSING = "closing"
    """It was closing when it was picked up, and nobody had written why."""
    CANVAS_FULL = "canvas full"
    """15 000 pixels are painted."""
    HARD_CAP = "hard cap"
    """Eight hours of drawing, the last resort."""


class FinishedPiece(
    Table,
    owner="pi",
    store="anima",
    table="drawing_records",
    key=("id",),
    unique={"drawing_records_piece_uid_key": ("piece_uid",)},
):
    """One finished piece with its numbers at the end, written when the canvas is cleared."""

    id: Numbered = None
    piece_uid: Annotated[
        str,
        StringConstraints(pattern="^[0-9a-f]{8,64}$"),
        Column("Its name for ever.", check="length(piece_uid) BETWEEN 8 AND 64"),
    ]
    started_at: Annotated[Instant, Column("When its canvas was empty.")]
    finished_at: Annotated[Instant, Column("When it was put away.")]
    era: Annotated[Era, Column("The manner of drawing.")]
    completion_reason: Annotated[CompletionReason, Column("Why it was over.")]
    marks: Annotated[int, Quantity("{mark}", "the drawing loop", low=0)]
    pixels: Annotated[int, Quantity("{pixel}", "painted, of 240 x 240", low=0, high=57_600)]
    duration_seconds: Annotated[
        float, Quantity("s", "draw intervals that it was worked on", low=0, high=1e12)
    ]
    E: Energy
    I: Integrity
    S: Entropy
    V: Void
    C: Coherence
    energy: Ratio
    curiosity: Ratio
    engagement: Ratio
    fatigue: Ratio
    satisfaction: Annotated[Ratio, Column("How well it is composed.")]
    file: Annotated[str | None, Column("The picture in drawings/; null if it was not saved.")] = (
        None
    )
