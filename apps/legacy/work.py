"""What bringing one part over needs."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from apps.legacy.ledger import SQL, Db, Position
from apps.legacy.zone import Clock

Say = Callable[[int], None]


class Work(NamedTuple):
    """One part of one old file."""

    db: Db
    directory: str
    path: Path
    at: Position
    clock: Clock
    say: Say

    def moved(self, rows: int, counted: tuple[int, int] | None = None) -> None:
        """Keep how far it is, in the transaction of so many rows, and what the clock counted."""
        self.at.read += rows
        self.at.folds, self.at.gaps = counted or (self.clock.folds, self.clock.gaps)
        self.at.move(self.db)

    def graph_lacks(self, rows: int) -> None:
        """That so many rows came which the graph repeats, in their transaction."""
        if rows:
            self.db.execute(SQL["graph_is_due"], {"directory": self.directory})
