"""One run over a directory: its parts one by one, each from where it was left."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from apps.legacy import ledger
from apps.legacy.ledger import Db, Position
from apps.legacy.report import Brought
from apps.legacy.seen import Inspected, Part, Thing
from apps.legacy.work import Say, Work
from apps.legacy.zone import Clock


class Run(NamedTuple):
    """What all parts share."""

    db: Db
    seen: Inspected
    zone: str
    say: Say
    parts: list[Brought]
    waits: bool = False

    def having(self, table: str) -> Iterator[tuple[Thing, Part]]:
        """Databases that have a table."""
        for thing in self.seen.things:
            for part in thing.parts:
                if part.name == table and part.variant is not None and part.fate == "moves":
                    yield thing, part

    def bring(
        self, thing: Thing, name: str, part: Part, do: Callable[[Work], None], *,
        again: bool = True, counts: bool = True,
    ) -> None:  # fmt: skip
        """A part; one whose rows may change is read anew by each run, any other goes on.

        A second pass over the same rows does not count in the progress.
        """
        path = Path(self.seen.directory) / thing.path
        at = ledger.position(self.db, self.seen.directory, str(path), name)
        say = self.say if counts else lambda _: None
        begun = time.monotonic()
        if at.finished and again and not at.done:
            at = Position(at.file, at.part, resumed=True)
        say(at.read)
        if not at.done:
            clock = Clock(self.zone)
            clock.folds, clock.gaps = at.folds, at.gaps
            do(Work(self.db, self.seen.directory, path, at, clock, say, waits=self.waits))
            at.finished = True
            at.move(self.db)
        self.parts.append(
            Brought(
                file=thing.path, part=name, target=part.target, read=at.read, taken=at.taken,
                rejected=at.rejected, folds=at.folds, gaps=at.gaps,
                seconds=time.monotonic() - begun,
            )
        )  # fmt: skip
