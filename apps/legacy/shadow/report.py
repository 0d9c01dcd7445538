"""What ``abode legacy shadow`` and ``status`` say: closed objects, their contract with programs."""

from typing import Annotated, Literal, TypeVar

from pydantic import Field

from apps.legacy import epochs
from apps.legacy.followed import Pass
from apps.legacy.ledger import Db
from schemas.governance.cutover import Class, Side, Turn
from schemas.quantity import Closed, Instant, Quantity

C = TypeVar("C", bound=Closed)
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


class Differs(Closed):
    """One question whose answers differ."""

    reader: str
    asked: str
    kind: Class
    old: str | None
    new: str | None
    """Cut after some hundred letters."""
    found_at: Instant


class Shadowed(Closed):
    """One pass and one round."""

    contract: Literal[1] = 1
    directory: str
    window_seconds: Seconds
    followed: Pass
    readers: list[ReaderNow]
    differences: list[Differs]
    """The first 100."""

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
    return _all(db, directory, ReaderNow, "readers")


def differences(db: Db, directory: str) -> list[Differs]:
    """What differs, by reader, the oldest first."""
    return _all(db, directory, Differs, "differences")


def history(db: Db, directory: str) -> list[EpochNow]:
    """All epochs, the oldest first."""
    return _all(db, directory, EpochNow, "history")


def _all(db: Db, directory: str, kind: type[C], query: str) -> list[C]:
    found = db.execute(epochs.SQL[query], {"directory": directory}).fetchall()
    return [kind(**dict(zip(kind.model_fields, row, strict=True))) for row in found]
