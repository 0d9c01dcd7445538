"""Ways in which a migration cannot go on, each with an exit code that a script can tell apart."""

from collections.abc import Sequence
from dataclasses import dataclass

from schemas.errors import Diverged, Refused


class Pending(Diverged):
    """Something of the line is not applied yet."""

    exit_code = 5


class Edited(Diverged):
    """What was applied is not what the files say."""

    exit_code = 6


class Locked(Refused):
    """Another process holds what is needed."""

    exit_code = 7


@dataclass(frozen=True, slots=True)
class Loss:
    """What a rollback destroys: rows of a table, the values of a column that goes, or others."""

    table: str
    column: str | None
    """``*`` when values change in columns that stay."""
    count: int
    """Rows, values that are not null, or rows among which some change."""

    def __str__(self) -> str:
        """For an operator who must decide."""
        if self.column is None:
            return f"{self.count} row{'s' * (self.count != 1)} of {self.table}"
        if self.column == "*":
            return f"values in up to {self.count} row{'s' * (self.count != 1)} of {self.table}"
        return f"{self.count} value{'s' * (self.count != 1)} of {self.table}.{self.column}"


class Unconfirmed(Refused):
    """Nobody said yes to what a rollback destroys."""

    def __init__(self, message: str, losses: Sequence[Loss]) -> None:
        super().__init__(message, hint="pass --yes if that is meant; a snapshot is kept")
        self.losses = tuple(losses)
