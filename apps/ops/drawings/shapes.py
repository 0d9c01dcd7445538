"""What was drawn and what of it is here. ``abode drawings --json`` is ``Drawings``."""

from typing import Annotated

from schemas.anima.drawings import FinishedPiece
from schemas.quantity import Closed, Instant, Quantity

Number = Annotated[int, Quantity("1", "counted just now", low=0)]
Bytes = Annotated[int, Quantity("By", "counted just now", low=0)]


class Fetched(Closed):
    """One Pi: whether it answered, what it has, and what came over just now."""

    pi: str
    answers: bool
    reason: str | None = None
    records: Number = 0
    """Pieces that it has a row of."""
    pictures: Number = 0
    """Pictures that it still has."""
    fetched: Number = 0
    fetched_bytes: Bytes = 0
    broken: Number = 0
    """Pictures that did not arrive whole; they are fetched again the next time."""


class Shown(Closed):
    """One finished piece, and its picture below ``folder`` if it is here."""

    pi: str
    record: FinishedPiece
    picture: str | None = None


class Drawings(Closed):
    """Every Pi in force, and the newest pieces of all of them, newest first."""

    asked_at: Instant
    lab: str | None
    folder: str
    """Where everything lies on this machine."""
    sheet: str | None = None
    page: str | None = None
    pis: tuple[Fetched, ...]
    known: Number
    """Pieces that are known here, also those that are not among ``pieces``."""
    pieces: tuple[Shown, ...]

    @property
    def is_whole(self) -> bool:
        """Whether every Pi answered and every picture came whole."""
        return all(each.answers and not each.broken for each in self.pis)
