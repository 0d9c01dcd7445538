"""What ``abode legacy shadow`` and ``status`` say: closed objects, their contract with programs."""

from typing import Annotated, Literal

from pydantic import Field

from apps.legacy import epochs
from apps.legacy.followed import Pass
from apps.legacy.ledger import Db
from schemas.governance.cutover import Side, Turn
from schemas.quantity import Closed, Instant, Quantity

Answers = Annotated[int, Quantity("{answer}", "of all rounds", low=0)]
Seconds = Annotated[float, Quantity("s", "of reading both sides", low=0)]


class ReaderNow(Closed):
    """One reader."""

    reader: str
    side: Side
    switched_at: Instant | None
    compared: Answers
    stale: Answers
    stale_seconds: Seconds
    """The longest that an answer was stale."""
    own: Answers
    differing: Answers
    clean_since: Instant | None
    compared_at: Instant | None

    @property
    def clean_seconds(self) -> float:
        """For how long no answer differed, as of the last that was compared."""
        if self.clean_since is None or self.compared_at is None:
            return 0.0
        return (self.compared_at - self.clean_since).total_seconds()


class Shadowed(Closed):
    """One pass and one round."""

    contract: Literal[1] = 1
    directory: str
    window_seconds: Seconds
    followed: Pass
    readers: list[ReaderNow]

    @property
    def is_clean(self) -> bool:
        """Whether every reader may be switched."""
        return all(each.clean_seconds >= self.window_seconds for each in self.readers)


class EpochNow(Closed):
    """One cutover or rollback."""

    epoch: int
    kind: Turn
    begun_at: Instant
    fenced_at: Instant | None
    turned_at: Instant | None
    finished_at: Instant | None
    compared: int | None
    sha256: str | None
    archive: str | None
    refused: str | None


class Status(Closed):
    """Who is the writer, who reads where, and what went before."""

    contract: Literal[1] = 1
    directory: str
    writer: Side
    is_closed: bool
    """Whether the old files refuse writes."""
    strays: dict[str, int] = Field(default_factory=dict)
    """Bytes that somebody appended to a closed file of lines."""
    epochs: list[EpochNow]
    readers: list[ReaderNow]


def now(db: Db, directory: str) -> list[ReaderNow]:
    """All readers as they stand."""
    names = list(ReaderNow.model_fields)
    found = db.execute(epochs.SQL["readers"], {"directory": directory}).fetchall()
    return [ReaderNow(**dict(zip(names, row, strict=True))) for row in found]


def history(db: Db, directory: str) -> list[EpochNow]:
    """All epochs, the oldest first."""
    names = list(EpochNow.model_fields)
    found = db.execute(epochs.SQL["history"], {"directory": directory}).fetchall()
    return [EpochNow(**dict(zip(names, row, strict=True))) for row in found]
