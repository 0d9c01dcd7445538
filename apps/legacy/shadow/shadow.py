"""Follow the old server, and between two passes ask both sides the same.

An answer that differs is asked again after a pass that began later: what is equal then was stale.
Only what stays is a difference, and only then a reader is not clean.
"""

import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final, Literal, NamedTuple

from apps.legacy import epochs
from apps.legacy.backfill import connected
from apps.legacy.ledger import Db, clean
from apps.legacy.over import following
from apps.legacy.shadow import readers
from apps.legacy.shadow.differ import differ
from apps.legacy.shadow.readers import Asked, Place, Rows
from apps.legacy.shadow.report import ReaderNow, Shadowed, differences, now
from apps.legacy.source import patient
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


class Both(NamedTuple):
    """Two answers to one question, and how they differ."""

    found: Class | Literal["own"] | None
    old: Rows
    new: Rows


class Pending(NamedTuple):
    """A question whose answers differed, when, and what the old files said then."""

    asked: Asked
    since: float
    old: Rows


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

    @property
    def is_waiting(self) -> bool:
        """Whether an answer that differed has yet to be asked again."""
        return any(self._pending.values())

    def round(self, *, asks: bool) -> list[ReaderNow]:
        """After a pass: what had differed is asked again, and then something new, if it may."""
        for name, place in self._places.items():
            (at,) = self._db.execute(epochs.SQL["now"]).fetchone() or (None,)
            done = Round()
            for pending in self._pending.pop(name, []):
                self._settle(place, pending, done)
            for asked in self._known(name, place):
                self._still(place, asked, done)
            for asked in self._questions(name, place) if asks else ():
                self._compare(place, asked, done)
            self._pending[name] = done.left
            said = {key: value for key, value in vars(done).items() if key != "left"}
            self._db.execute(SQL["compared"], {**self._given(name), **said, "at": at})
        return now(self._db, self._directory)

    def _compare(self, place: Place, asked: Asked, done: Round) -> None:
        done.compared += 1
        both = self._asked(place, asked)
        if both.found == "own":
            done.own += 1
        elif both.found is not None:
            done.left.append(Pending(asked, time.monotonic(), both.old))

    def _settle(self, place: Place, pending: Pending, done: Round) -> None:
        """It was asked before the pass that is over now. What changed there since may be behind."""
        both = self._asked(place, pending.asked)
        if isinstance(both.found, Class) and both.old.told == pending.old.told:
            done.differing += 1
            done.is_clean = False
            self._db.execute(SQL["differs"], {
                **self._named(place, pending.asked), "kind": both.found.value,
                "old": _cut(both.old), "new": _cut(both.new),
            })  # fmt: skip
            return
        lasted = time.monotonic() - pending.since
        done.stale += 1
        done.stale_seconds = max(done.stale_seconds, lasted)
        done.is_clean &= lasted <= self._wanted.stale_seconds
        if isinstance(both.found, Class):
            done.left.append(Pending(pending.asked, time.monotonic(), both.old))

    def _still(self, place: Place, asked: Asked, done: Round) -> None:
        """What differed in an earlier round: no reader is clean before it is equal."""
        if isinstance(self._asked(place, asked).found, Class):
            done.is_clean = False
        else:
            self._db.execute(SQL["equal"], self._named(place, asked))

    def _asked(self, place: Place, asked: Asked) -> Both:
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
        return Both(None if is_known else found, old, new)

    def _questions(self, name: str, place: Place) -> Iterator[Asked]:
        if self._recorded is None:
            yield from readers.some(place, self._wanted.reads, self._dice)
            return
        mine = self._recorded.get(name, [])
        yield from (self._dice.choice(mine) for _ in range(self._wanted.reads) if mine)

    def _known(self, name: str, place: Place) -> Iterator[Asked]:
        """Differences of before, also of another run."""
        for (asked,) in self._db.execute(SQL["known"], self._given(name)).fetchall():
            values = json.loads(asked) if len(place.reader.asked) > 1 else [asked]
            yield dict(zip(place.reader.asked, values, strict=True))

    def _named(self, place: Place, asked: Asked) -> dict[str, Any]:
        return {**self._given(place.reader.name), "asked": clean(readers.shown(asked))}

    def _given(self, name: str) -> dict[str, Any]:
        return {"directory": self._directory, "reader": name}


def shadow(database: str, directory: Path, zone: str, wanted: Wanted, tell: Tell) -> None:
    """Pass after pass and round after round, until its time is over or a cutover begins."""
    with connected(database) as db:
        where = str(directory.resolve())
        epochs.old_is_writer(db, where)
        follower = patient(partial(following, db, database, directory, zone))
        try:
            done = patient(partial(follower.once, all_of_it=True))
            both = Shadow(db, where, zone, wanted)
            end = time.monotonic() + (wanted.seconds or math.inf)
            while True:
                is_over = time.monotonic() > end
                found = both.round(asks=not is_over)
                tell(Shadowed(directory=where, followed=done, readers=found,
                              differences=differences(db, where),
                              window_seconds=wanted.window_seconds))  # fmt: skip
                if (is_over and not both.is_waiting) or epochs.unfinished(db, where):
                    return
                time.sleep(wanted.every)
                done = patient(partial(follower.once, all_of_it=False))
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


def _cut(answer: Rows) -> str:
    return clean(json.dumps(answer.told, ensure_ascii=False))[:SHOWN]
