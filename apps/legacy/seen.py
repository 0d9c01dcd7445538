"""What ``abode legacy inspect`` says: one closed object, its contract with programs."""

from typing import Literal

from pydantic import Field

from schemas.legacy.shape import Fate
from schemas.quantity import Closed


class Part(Closed):
    """One table of a database, or the lines of a file."""

    name: str
    variant: Literal["A", "B", "both"] | None = None
    rows: int
    fate: Fate
    target: str | None = None
    why: str = ""


class Thing(Closed):
    """One file or deprecated directory, by its path below the directory."""

    path: str
    kind: str
    size_bytes: int
    fate: Fate
    parts: list[Part] = Field(default_factory=list)
    not_understood: list[str] = Field(default_factory=list)


class Inspected(Closed):
    """A whole directory of old data."""

    contract: Literal[1] = 1
    directory: str
    things: list[Thing]

    @property
    def is_understood(self) -> bool:
        """Whether nothing in it asks for a human."""
        return not any(thing.not_understood for thing in self.things)
