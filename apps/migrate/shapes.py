"""What ``--json`` prints: one closed object per verb, on stdout, also when something is wrong."""

from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from apps.migrate.errors import Loss, Unconfirmed
from apps.migrate.plan import State
from schemas.errors import HouseError


class Shape(BaseModel):
    """Closed and frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class File(Shape):
    """A migration or a post-apply, and where it stands."""

    name: str
    state: State
    applied_at: datetime | None = None


class Status(Shape):
    """``status``."""

    line: str
    settled: bool
    files: tuple[File, ...]


class Step(Shape):
    """One file that would run, as it is."""

    name: str
    sql: str
    ensures: tuple[str, ...]
    lossy: tuple[str, ...]
    """What rolling it back destroys, in its author's words."""


class Planned(Shape):
    """``plan``."""

    line: str
    direction: Literal["forward", "back"]
    steps: tuple[Step, ...]


class Apply(Shape):
    """``apply``."""

    line: str
    ran: tuple[str, ...]
    signed: tuple[str, ...]
    backup: Path | None
    seconds: float


class Destroyed(Shape):
    """Rows of a table, or values of a column."""

    table: str
    column: str | None
    count: int


class Rollback(Shape):
    """``rollback``."""

    line: str
    undone: tuple[str, ...]
    destroyed: tuple[Destroyed, ...]
    snapshots: tuple[Path, ...]
    seconds: float


class New(Shape):
    """``new``."""

    line: str
    files: tuple[Path, Path]


class Adopt(Shape):
    """``adopt``."""

    line: str
    already: bool
    zone: str
    baselined: tuple[str, ...]
    applied: tuple[str, ...]
    added: tuple[str, ...]
    rows: dict[str, int]
    snapshot: Path | None


class Wrong(Shape):
    """What is printed instead when a verb ends with an exit code that is not 0."""

    line: str
    kind: Literal[
        "refused", "unreachable", "diverged", "pending", "edited", "locked", "unconfirmed"
    ]
    exit_code: int
    message: str
    hint: str | None
    destroys: tuple[Destroyed, ...] = ()


def destroyed(losses: tuple[Loss, ...]) -> tuple[Destroyed, ...]:
    """As JSON says it."""
    return tuple(Destroyed(table=x.table, column=x.column, count=x.count) for x in losses)


def wrong(line: str, error: HouseError) -> Wrong:
    """An error of the house as JSON says it."""
    losses = error.losses if isinstance(error, Unconfirmed) else ()
    return Wrong(
        line=line,
        kind=type(error).__name__.lower(),
        exit_code=error.exit_code,
        message=error.message,
        hint=error.hint,
        destroys=destroyed(losses),
    )
