"""What ``abode legacy backfill`` says: one closed object, its contract with programs."""

from typing import Annotated, Literal

from pydantic import Field

from schemas.quantity import Closed, Quantity

Rows = Annotated[int, Quantity("{row}", "of this run and those that it went on from", low=0)]


class Brought(Closed):
    """One part of one old file."""

    file: str
    part: str
    target: str | None = None
    read: Rows
    taken: Rows
    """Made or changed a row; the others were there already, or are rejected."""
    rejected: Rows
    folds: Rows
    """Times in an hour that came twice."""
    gaps: Rows
    """Times in an hour that never was."""
    seconds: Annotated[float, Quantity("s", "of this run", low=0)]


class Backfilled(Closed):
    """A whole directory."""

    contract: Literal[1] = 1
    directory: str
    zone: str
    parts: list[Brought] = Field(default_factory=list)
    repeated: Rows = 0
    """Events and calls that two places tell of, or one twice: kept once."""
    vertices: Rows = 0
    """That the graph was given."""
    edges: Rows = 0
    rejected: Rows = 0
    """All of it that lies in legacy.rejected, whichever run told it."""
    not_understood: list[str] = Field(default_factory=list)
    """Of files, tables and columns: what inspect says of them."""
    seconds: Annotated[float, Quantity("s", "of this run", low=0)]

    @property
    def is_whole(self) -> bool:
        """Whether every row was taken or there, and nothing was passed over."""
        return self.rejected == 0 and not self.not_understood
