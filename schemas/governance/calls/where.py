"""What ``where`` is asked and what it answers."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from schemas.governance.calls import Call, Reply
from schemas.quantity import Closed, Quantity
from schemas.table import Owner, Sensitivity

Term = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"\S")]


class Kind(StrEnum):
    """What sort of place it is."""

    TABLE = "table"
    VIEW = "view"
    LABEL = "label"
    KEY = "key"
    FILE = "file"
    MESSAGE = "message"
    METRIC = "metric"
    ROLE = "role"
    COLUMN = "column"
    PROPERTY = "property"
    FIELD = "field"


class Where(Call):
    """A term in any words: a name, a sentence, with typing errors."""

    term: Term = Field(description="What is looked for, such as 'where does drawing_history live'.")
    limit: int = Field(default=5, ge=1, le=50, description="Places at most, the best one first.")


class Live(StrEnum):
    """What its store says of it at this moment."""

    THERE = "there"
    EMPTY = "empty"
    """It is there and holds nothing yet."""
    MISSING = "missing"
    """Declared, and its store does not have it."""
    NOT_ASKED = "not asked"
    """Whoever answers cannot reach that store, or asked for a better place only."""
    SILENT = "no answer"


class Found(Closed):
    """One place: all that is declared of it, and how fresh it is now."""

    place: str = Field(description="Its full name.")
    kind: Kind
    what: str = Field(description="What it holds, in a sentence.")
    owner: Owner = Field(description="The only side that writes it.")
    store: str = Field(description="The database, file, cache or door that it is in.")
    unit: str | None = Field(default=None, description="UCUM, for a number.")
    range: str | None = Field(default=None, description="The values it can take, for a number.")
    source: str | None = Field(default=None, description="Where a number comes from.")
    words: tuple[str, ...] = Field(default=(), description="All values, where they are few words.")
    kept: str = Field(description="How long a row stays.")
    fresh_seconds: Annotated[
        float | None, Quantity("s", "how old the newest may be while its writer runs")
    ] = None
    sensitivity: Sensitivity
    read: str = Field(description="The exact command that reads it, on the operator's machine.")
    live: Live = Field(default=Live.NOT_ASKED, description="What its store says at this moment.")
    age_seconds: Annotated[
        float | None, Quantity("s", "the newest row, by its own clock", low=0)
    ] = None
    score: Annotated[float, Quantity("1", "how well it fits the term", low=0)] = 0.0


class WhereReply(Reply):
    """The places that fit, the best one first."""

    term: str
    found: tuple[Found, ...]
