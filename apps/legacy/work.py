"""What bringing one part over needs."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from apps.legacy.ledger import SQL, Db, Position
from apps.legacy.zone import Clock
from apps.queries import load

T = TypeVar("T")
Say = Callable[[int], None]
UNFIT: Final = load(Path(__file__).with_name("staged.sql"))["unfit"]
NO_JSON: Final = "is no JSON that Postgres can hold"


class Work(NamedTuple):
    """One part of one old file."""

    db: Db
    directory: str
    path: Path
    at: Position
    clock: Clock
    say: Say
    only: str = ""
    """The rows that are meant, as a query in brackets; all when empty."""
    renews: bool = False
    """Whether what is there is told anew."""
    waits: bool = False
    """For the rest of a line that its writer has not ended."""

    def source(self, table: str) -> str:
        """Where its rows are read from."""
        return self.only or f'"{table}"'

    def moved(self, rows: int, counted: tuple[int, int] | None = None) -> None:
        """Keep how far it is, in the transaction of so many rows, and what the clock counted."""
        self.at.read += rows
        self.at.folds, self.at.gaps = counted or (self.clock.folds, self.clock.gaps)
        self.at.move(self.db)

    def fit(self, rows: Sequence[tuple[str, T]], texts: Sequence[str]) -> list[tuple[str, T]]:
        """Those whose text Postgres can hold as JSON; the others are rejected by their keys."""
        found = self.db.execute(UNFIT, {"texts": list(texts)}).fetchall()
        unfit = {place for (place,) in found}
        self.at.reject(self.db, [(rows[place][0], NO_JSON) for place in sorted(unfit)])
        return [row for place, row in enumerate(rows) if place not in unfit]

    def graph_lacks(self, rows: int) -> None:
        """That so many rows came which the graph repeats, in their transaction."""
        if rows:
            self.db.execute(SQL["graph_is_due"], {"directory": self.directory})
