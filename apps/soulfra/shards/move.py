"""Slots from one shard to another while everybody goes on: copied, frozen for a moment, flipped.

Every step can be done again after a kill. The map in home has one owner for each slot at every
moment; the row that changes it is the only point of no return, and before it all can be undone.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import psycopg

from apps.soulfra.drift import SQL as DRIFT
from apps.soulfra.log import SQL as LOG
from apps.soulfra.shards.copy import SQL, Connection, Content, Slots, catch_up, compared
from schemas.errors import Diverged, Refused, Unreachable
from schemas.soulfra.drift import FOLLOWER
from schemas.soulfra.shards import HOME, Hold, Step

GROUP: Final = 64
"""Slots that are frozen together."""
FREEZE_SECONDS: Final = 3.0
"""After that the source takes writes again, whatever became of the mover."""
NEAR: Final = 50
"""Events that are left when it is time to freeze."""
TRIES: Final = 10
PRUNED: Final = 500
"""Agents that are taken away at once."""
Say = Callable[[str], None]
Connect = Callable[[str, str], Connection]
"""By name and place of a shard."""


@dataclass(frozen=True, slots=True)
class Move:
    """A row of ``shard.moves``."""

    id: int
    slots: Slots
    source: str
    target: str
    step: Step


class Mover:
    """Whoever holds home's lock; there is one."""

    def __init__(self, home: Connection, connect: Connect, say: Say = lambda _: None) -> None:
        """As owners: ``connect`` opens a shard of the map."""
        self._home = home
        self._connect = connect
        self._say = say
        (held,) = home.execute(SQL["hold"]).fetchone() or (False,)
        if not held:
            raise Refused("shards: another move is under way", "abode soulfra shards")

    def join(self, name: str, place: str) -> None:
        """Take in an empty database as a shard; done again it changes nothing but the place."""
        if name == HOME:
            raise Refused(f"shard {name}: is the first one's name")
        there = self._connect(name, place)
        with there:
            there.execute(SQL["begin"], {"name": name})
        self._home.execute(SQL["begin"], {"name": HOME})
        self._home.execute(SQL["join"], {"name": name, "place": place})

    def forget(self, name: str) -> None:
        """Know nothing more of a shard that has no slots, nor of the moves from it and to it."""
        if self._home.execute(SQL["unfinished"]).fetchone() is not None:
            raise Refused("shards: a move is not ended", "abode soulfra move --resume")
        with self._home.transaction():
            self._home.execute(SQL["forget_moves"], {"name": name})
            if self._home.execute(SQL["forget"], {"name": name}).rowcount != 1:
                raise Refused(f"shard {name!r}: has slots, or is not known", "abode soulfra shards")

    def move(self, first: int, last: int, target: str, group: int = GROUP) -> list[Content]:
        """Have the slots on the target; what was begun before and not ended is ended first."""
        done = list(self.resume())
        if self._home.execute(SQL["place"], {"name": target}).fetchone() is None:
            raise Refused(f"shard {target!r}: is not known", "abode soulfra shards")
        asked = {"first": first, "last": last, "target": target}
        for begin, end, source in self._home.execute(SQL["elsewhere"], asked).fetchall():
            for at in range(begin, end + 1, group):
                slots = {"first": at, "last": min(at + group - 1, end)}
                ends = {**slots, "source": source, "target": target}
                row = self._home.execute(SQL["open_move"], ends).fetchone()
                done.append(self._finish(_move(row)))
        return done

    def resume(self) -> Iterator[Content]:
        """End what was begun."""
        for row in self._home.execute(SQL["unfinished"]).fetchall():
            yield self._finish(_move(row))

    def undo(self) -> list[Move]:
        """Leave with their sources all slots that the map has not given away yet."""
        undone = []
        for row in self._home.execute(SQL["unfinished"]).fetchall():
            move = _move(row)
            if move.step is Step.COPYING:
                with self._both(move) as (source, target):
                    # First nobody takes them, then the source does.
                    target.execute(SQL["send_back"], move.slots.asked)
                    self._prune(target, move.target, move.slots)
                    self._open(source, "thaw", move.slots)
                self._ended(move, Step.UNDONE)
                undone.append(move)
        return undone

    def _finish(self, move: Move) -> Content:
        with self._both(move) as (source, target):
            content = Content(0, 0, "")
            if move.step is Step.COPYING:
                content = self._copy(move, source, target)
            self._open(target, "settle", move.slots)
            self._prune(source, move.source, move.slots)
        self._ended(move, Step.DONE)
        self._say(f"slots {move.slots.first}-{move.slots.last} are on {move.target}")
        return content

    def _copy(self, move: Move, source: Connection, target: Connection) -> Content:
        """Up to the map's change."""
        target.execute(SQL["arrive"], move.slots.asked)
        self._held(target, move.slots, Hold.ARRIVING)
        while catch_up(source, target, move.slots) > NEAR:
            self._say(f"slots {move.slots.first}-{move.slots.last}: catching up")
        for _ in range(TRIES):
            began = time.monotonic()
            self._freeze(source, move.slots)
            catch_up(source, target, move.slots)
            content = self._compared(move, source, target)
            if self._sealed(source, move.slots):
                self._flip(move, content, round((time.monotonic() - began) * 1000))
                return content
        raise Unreachable(
            f"slots {move.slots.first}-{move.slots.last}: not copied within {FREEZE_SECONDS:.0f} s"
            f" of being frozen, {TRIES} times",
            "give it again when less is written, or fewer slots at once",
        )

    def _compared(self, move: Move, source: Connection, target: Connection) -> Content:
        try:
            return compared(source, target, move.slots)
        except Diverged:
            self._open(source, "thaw", move.slots)
            raise

    def _open(self, conn: Connection, how: str, slots: Slots) -> None:
        """Have writes taken here; nobody is to be carried from here to here."""
        row = self._home.execute(SQL["epochs"], slots.asked).fetchone()
        numbers, epochs = row or ([], [])
        with conn.transaction():
            conn.execute(SQL[how], {**slots.asked, "slots": numbers, "epochs": epochs})
            conn.execute(SQL["registered_here"], slots.asked)

    def _freeze(self, source: Connection, slots: Slots) -> None:
        source.execute(SQL["quick"], {"commit": "off"})
        for slot in slots.each:
            source.execute(SQL["freeze"], {"slot": slot, "seconds": FREEZE_SECONDS})
        source.execute(SQL["quick"], {"commit": "on"})

    def _sealed(self, source: Connection, slots: Slots) -> bool:
        """All of them, or none: one that was frozen too long may have been written to."""
        with source.transaction() as whole:
            source.execute(SQL["still"], slots.asked)
            source.execute(SQL["seal"], slots.asked)
            found = dict(source.execute(SQL["states"], slots.asked).fetchall())
            if found.keys() == {Hold.AWAY}:
                return True
            raise psycopg.Rollback(whole)
        return False

    def _flip(self, move: Move, content: Content, frozen_ms: int) -> None:
        ends = {**move.slots.asked, "source": move.source, "target": move.target, "id": move.id}
        said = {"agents": content.agents, "events": content.events, "frozen_ms": frozen_ms}
        with self._home.transaction():
            count = self._home.execute(SQL["flip"], ends).rowcount
            told = {**ends, **said, "checksum": content.checksum}
            rows = self._home.execute(SQL["flipped"], told).rowcount
            if (count, rows) != (len(move.slots.each), 1):
                raise Diverged(f"move {move.id}: the map is not as it was when it began")

    def _prune(self, conn: Connection, name: str, slots: Slots) -> None:
        """Home keeps what it has: its register follows from it."""
        while name != HOME:
            asked = {"slots": list(slots.each), "most": PRUNED}
            with conn.transaction():
                # Whoever follows the log is waited for, and finds nothing of these lives after it.
                conn.execute(LOG["take_changes"])
                conn.execute(LOG["begin_follower"], {"follower": FOLLOWER})
                conn.execute(LOG["follower"], {"follower": FOLLOWER})
                conn.execute(DRIFT["forget_slots"], asked)
                (count,) = conn.execute(SQL["prune"], asked).fetchone() or (0,)
            if not count:
                return

    def _ended(self, move: Move, step: Step) -> None:
        self._home.execute(SQL["ended"], {"id": move.id, "step": step})

    def _held(self, conn: Connection, slots: Slots, state: Hold) -> None:
        found = dict(conn.execute(SQL["states"], slots.asked).fetchall())
        if found != {state: len(slots.each)}:
            raise Diverged(f"slots {slots.first}-{slots.last}: should be {state}, are {found}")

    @contextmanager
    def _both(self, move: Move) -> Iterator[tuple[Connection, Connection]]:
        """Connections to source and target, each of which says that it is."""
        with self._at(move.source) as source, self._at(move.target) as target:
            yield source, target

    @contextmanager
    def _at(self, name: str) -> Iterator[Connection]:
        if name == HOME:
            yield self._home
            return
        (place,) = self._home.execute(SQL["place"], {"name": name}).fetchone() or ("",)
        with self._connect(name, place) as conn:
            (said,) = conn.execute(SQL["here"]).fetchone() or (None,)
            if said != name:
                raise Diverged(f"shard {name}: the database at {place} is {said or 'no shard'}")
            yield conn


def _move(row: Any) -> Move:
    number, first, last, source, target, step = row
    return Move(number, Slots(first, last), source, target, Step(step))
