"""Follow the old server, and between two passes ask both sides the same.

An answer that differs is asked again after a pass that began later: what is equal then was stale.
Only what stays is a difference, and only then a reader is not clean.
"""

import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any, Final, Literal, NamedTuple

from apps.legacy import epochs
from apps.legacy.backfill import connected
from apps.legacy.follow import Follower
from apps.legacy.ledger import Db, clean
from apps.legacy.over import has_triggers
from apps.legacy.shadow import readers
from apps.legacy.shadow.differ import differ
from apps.legacy.shadow.readers import Asked, Place
from apps.legacy.shadow.report import ReaderNow, Shadowed, now
from apps.queries import load
from schemas.errors import Refused
from schemas.governance.cutover import Class

SQL: Final = load(Path(__file__).with_name("shadow.sql"))
SHOWN: Final = 300
Tell = Callable[[Shadowed], None]


class Wanted(NamedTuple):
    """What the operator asks for."""

    reads: int = 20
    """Questions of each reader in a round."""
    every: float = 1.0
    seconds: float | None = None
    """None: until it is stopped."""
    stale_seconds: float = 30.0
    """A reader whose answers are stale for longer is not clean."""
    queries: Path | None = None
    """Recorded questions, one JSON object a line; else they are made."""
    seed: str = "0"
    window_seconds: float = 86_400.0


class Pending(NamedTuple):
    """A question whose answers differed, and when."""

    asked: Asked
    since: float


@dataclass
class Round:
    """What one round showed of one reader."""

    compared: int = 0
    stale: int = 0
    stale_seconds: float = 0.0
    own: int = 0
    differing: int = 0
    is_clean: bool = True
    left: list[Pending] = field(default_factory=list)


class Shadow:
    """One directory, and all its readers."""

    def __init__(self, db: Db, directory: str, zone: str, wanted: Wanted) -> None:
        self._db, self._directory, self._zone, self._wanted = db, directory, zone, wanted
        self._places = readers.places(Path(directory))
        self._dice = Random(wanted.seed)  # noqa: S311  questions, not secrets
        self._recorded = _recorded(wanted.queries) if wanted.queries else None
        self._pending: dict[str, list[Pending]] = {}
        for name in self._places:
            db.execute(SQL["reader"], self._given(name))

    def round(self) -> list[ReaderNow]:
        """After a pass: what had differed is asked again, and then something new."""
        for name, place in self._places.items():
            at = self._db.execute(epochs.SQL["now"]).fetchone()
            done = Round()
            again = [*self._pending.pop(name, []), *self._known(name, place)]
            for pending in again:
                self._settle(place, pending, done)
            for asked in self._questions(name, place):
                self._compare(place, asked, done)
            self._pending[name] = done.left
            self._keep(name, at[0] if at else None, done)
        return now(self._db, self._directory)

    def _compare(self, place: Place, asked: Asked, done: Round) -> None:
        done.compared += 1
        found = self._asked(place, asked)
        if found == "own":
            done.own += 1
        elif found is not None:
            done.left.append(Pending(asked, time.monotonic()))

    def _settle(self, place: Place, pending: Pending, done: Round) -> None:
        """It was asked before the pass that is over now."""
        found = self._asked(place, pending.asked)
        lasted = time.monotonic() - pending.since
        told = {**self._given(place.reader.name), "asked": clean(readers.shown(pending.asked))}
        if found is None or found == "own":
            done.stale += 1
            done.stale_seconds = max(done.stale_seconds, lasted)
            done.is_clean &= lasted <= self._wanted.stale_seconds
            self._db.execute(SQL["equal"], told)
            return
        done.differing += 1
        done.is_clean = False
        old = readers.ask_old(place, pending.asked, self._zone)
        new = readers.ask_new(self._db, place.reader, pending.asked, self._zone)
        self._db.execute(SQL["differs"], {
            **told, "kind": found.value, "old": _cut(old.told), "new": _cut(new.told),
        })  # fmt: skip

    def _asked(self, place: Place, asked: Asked) -> Class | Literal["own"] | None:
        """Both sides, the old one before and after, so that a write between them is seen."""
        while True:
            old = readers.ask_old(place, asked, self._zone)
            new = readers.ask_new(self._db, place.reader, asked, self._zone)
            if readers.ask_old(place, asked, self._zone).told == old.told:
                break
        found = differ(place.reader, old, new)
        is_known = isinstance(found, Class) and readers.rejected(
            self._db, place, asked, SQL["rejected"]
        )
        return None if is_known else found

    def _questions(self, name: str, place: Place) -> Iterator[Asked]:
        if self._recorded is None:
            yield from readers.some(place, self._wanted.reads, self._dice)
            return
        mine = self._recorded.get(name, [])
        yield from (self._dice.choice(mine) for _ in range(self._wanted.reads) if mine)

    def _known(self, name: str, place: Place) -> Iterator[Pending]:
        """Differences of before, also of another run."""
        for (asked,) in self._db.execute(SQL["known"], self._given(name)).fetchall():
            values = json.loads(asked) if len(place.reader.asked) > 1 else [asked]
            yield Pending(dict(zip(place.reader.asked, values, strict=True)), time.monotonic())

    def _keep(self, name: str, at: datetime | None, done: Round) -> None:
        said = {key: value for key, value in vars(done).items() if key != "left"}
        self._db.execute(SQL["compared"], {**self._given(name), **said, "at": at})

    def _given(self, name: str) -> dict[str, Any]:
        return {"directory": self._directory, "reader": name}


def shadow(database: str, directory: Path, zone: str, wanted: Wanted, tell: Tell) -> None:
    """Pass after pass and round after round, until its time is over or a cutover begins."""
    with connected(database) as db:
        where = str(directory.resolve())
        epochs.old_is_writer(db, where)
        follower = Follower(db, database, directory, zone, by_triggers=has_triggers(directory))
        try:
            done = follower.once(all_of_it=True)
            both = Shadow(db, where, zone, wanted)
            end = time.monotonic() + (wanted.seconds or math.inf)
            while True:
                found = both.round()
                tell(Shadowed(directory=where, followed=done, readers=found,
                              window_seconds=wanted.window_seconds))  # fmt: skip
                if time.monotonic() > end or epochs.is_closing(db, where):
                    return
                time.sleep(wanted.every)
                done = follower.once(all_of_it=False)
        finally:
            follower.close()


def _recorded(path: Path) -> dict[str, list[Asked]]:
    """``{"reader": "agent", "asked": {"agent_id": "lumen"}}`` a line; Refused for any other."""
    found: dict[str, list[Asked]] = {}
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        try:
            told = json.loads(line)
            reader = readers.BY_NAME[told["reader"]]
            asked = {name: str(told["asked"][name]) for name in reader.asked}
        except (ValueError, KeyError, TypeError) as error:
            raise Refused(f"{path}: line {number}: {error}", "reader, and asked") from None
        found.setdefault(reader.name, []).append(asked)
    return found


def _cut(told: list[tuple[str | None, ...]]) -> str:
    return clean(json.dumps(told, ensure_ascii=False))[:SHOWN]
