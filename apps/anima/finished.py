"""A finished piece: its numbers at the end, as they go into drawing_records and its picture."""

from datetime import datetime
from typing import NamedTuple


class Finished(NamedTuple):
    """The columns of drawing_records, in their order."""

    piece_uid: str
    started_at: datetime
    finished_at: datetime
    era: str
    completion_reason: str
    marks: int
    pixels: int
    duration_seconds: float
    E: float
    I: float
    S: float
    V: float
    C: float
    energy: float
    curiosity: float
    engagement: float
    fatigue: float
    satisfaction: float
    file: str | None = None

    @property
    def name(self) -> str:
        """What its picture is called."""
        return f"{self.finished_at:%Y%m%dT%H%M%SZ}-{self.era}-{self.tail}.png"

    @property
    def tail(self) -> str:
        """Chance and the second of its beginning: with a seed chance alone repeats itself."""
        return self.piece_uid[-16:]
