"""Where an evolution stands in one database."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from apps.migrate.errors import Edited, Locked
from apps.migrate.evolve.declared import STEPS, Declared, Evolution, Step, parsed
from apps.migrate.ledger import Ledger
from apps.queries import load

SQL: Final = load(Path(__file__).with_name("evolve.sql"))
KEY: Final = 0x65766F6C
"""'evol': first half of the lock of a run; the other is of its name."""


@dataclass(frozen=True, slots=True)
class Place:
    """How far the rows are filled."""

    part: str | None = None
    """The partition that is being filled, or the table; those before it are done."""
    done: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    """The key of the last row that was seen there."""
    seen: int = 0
    filled: int = 0
    total: int = 0
    seconds: float = 0.0

    def text(self) -> str:
        """As the ledger keeps it."""
        return json.dumps({name: getattr(self, name) for name in self.__slots__})

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> "Place":
        """The same back."""
        kept = dict(said)
        return replace(
            cls(**kept), done=tuple(kept.get("done", ())), after=tuple(kept.get("after", ()))
        )


@dataclass(frozen=True, slots=True)
class Standing:
    """A row of the ledger."""

    name: str
    declaration: str
    sha256: str
    act: str
    undoing: bool
    place: Place
    begun_at: datetime
    updated_at: datetime
    switched_at: datetime | None
    now: datetime = field(compare=False)

    @property
    def of(self) -> Evolution:
        """As it was declared when it began."""
        return parsed(self.name, self.declaration, f"ledger, {self.name}").of

    @property
    def is_done(self) -> bool:
        """Nothing of it is left to do."""
        return self.act == acts(self.of)[-1][1]

    @property
    def droppable_at(self) -> datetime | None:
        """When the grace is over."""
        at = self.switched_at
        return None if at is None else at + timedelta(hours=self.of.grace_hours)


def acts(of: Evolution) -> list[tuple[Step, str]]:
    """Each step's acts in their order; an act is done or not, and what it began goes on."""
    found: list[tuple[Step, str]] = [("add", "column")]
    if of.fill:
        found.append(("fill", "rows"))
    if of.column.required or of.column.check:
        found += [("constrain", "check"), ("constrain", "validate")]
    if of.column.required:
        found.append(("constrain", "not-null"))
    if of.references:
        found.append(("constrain", "reference"))
    found += [("constrain", f"index {each.name}") for each in of.index]
    found.append(("switch", "switch"))
    if of.fill:
        found.append(("drop", "drop"))
    return found


def left(of: Evolution, act: str | None, to: Step) -> list[tuple[Step, str]]:
    """What is to be done after ``act`` until a step is."""
    every = acts(of)
    start = 0 if act is None else [name for _, name in every].index(act) + 1
    return [each for each in every[start:] if STEPS.index(each[0]) <= STEPS.index(to)]


def standings(ledger: Ledger) -> dict[str, Standing]:
    """All of a database."""
    return begun(ledger.ask)


def begun(ask: Callable[[str], Any]) -> dict[str, Standing]:
    """The same for whoever has no ledger in hand; ``ask`` gives a cursor."""
    if not ask(SQL["exists"]).fetchone()[0]:
        return {}
    found = {}
    for name, text, sha, act, undoing, place, at, updated, switched, now in ask(
        SQL["rows"]
    ).fetchall():
        found[name] = Standing(
            name, text, sha, act, undoing, Place.of(place), at, updated, switched, now
        )
    return found


def standing(ledger: Ledger, declared: Declared) -> Standing | None:
    """One of them; refused if it was declared otherwise when it began."""
    found = standings(ledger).get(declared.name)
    if found and found.sha256 != declared.sha256 and not found.is_done:
        raise Edited(
            f"{declared.name}: was edited after it began",
            "restore the file, or undo with the one it began with",
        )
    return found


@contextmanager
def held(ledger: Ledger, name: str) -> Iterator[None]:
    """Nobody else runs it, nor does a server that has not noticed that its client is dead."""
    key = {"key": KEY, "name": name}
    until = time.monotonic() + ledger.patience.runner
    while not ledger.ask(SQL["hold"], key).fetchone()[0]:
        if time.monotonic() > until:
            raise Locked(
                f"{name}: is being run already",
                f"waited {ledger.patience.runner:g} s; look: status",
            )
        time.sleep(0.1)
    try:
        yield
    finally:
        if not ledger.connection.closed:
            ledger.ask(SQL["let_go"], key)
