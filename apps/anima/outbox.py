"""The outbox: check-ins that governance has not acknowledged yet, in so many bytes.

Every function runs inside a transaction of the writer. An id is a check-in's seq for ever.
"""

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from apps.anima.transaction import is_damage, is_passing
from apps.queries import load
from schemas.bridge import GAPS_LIMIT

QUERIES = load(Path(__file__).with_name("outbox.sql"))
LIMIT_BYTES = 67_108_864
"""A check-in is 1.6 kB at most: four weeks of one a minute, eight when their detail is gone."""
HEAD_LIMIT = 64
HEAD_BYTES = 65_536
"""What is sent at once at most. It is always the oldest, so nothing behind it was ever sent."""
CHUNK = 32
"""Check-ins that are looked at together when room is made: more would delay the loop."""
STEPS = 100
"""Of these a check-in makes room for itself; a limit that was lowered is reached by and by."""
NEAR = 1_440
"""Gaps that are a day of check-ins apart, or less, are one."""
REJECTED_LIMIT = 1_000
"""Rejected check-ins that are kept. Beyond it the oldest are dropped, and counted."""
TRIED_LIMIT = HEAD_LIMIT + REJECTED_LIMIT
"""Behind so many of the oldest none was tried: only ``requeue`` puts others before the head."""


class Waiting(NamedTuple):
    """A check-in that governance has not acknowledged; ``body`` is JSON text."""

    id: int
    body: str
    attempts: int


class Fate(NamedTuple):
    """What became of a check-in that was sent: it arrived, unless there is a ``reason``."""

    id: int
    reason: str | None = None
    is_final: bool = False


class Tally(NamedTuple):
    """What waits, and how far it has been thinned."""

    waiting: int
    bytes: int
    stripped_upto: int
    dropped_upto: int
    version: int


class Loss(NamedTuple):
    """A stretch of the outbox that was thinned: so many went, so many lost their detail."""

    first_seq: int
    last_seq: int
    missing: int
    stripped: int
    from_at: str
    upto_at: str
    changed_seq: int

    def and_(self, other: "Loss") -> "Loss":
        """Both as one; if either misses something, from the first that is missing to the last."""
        spans = [loss for loss in (self, other) if loss.missing] or [self, other]
        return Loss(
            min(loss.first_seq for loss in spans),
            max(loss.last_seq for loss in spans),
            self.missing + other.missing,
            self.stripped + other.stripped,
            min(loss.from_at for loss in spans),
            max(loss.upto_at for loss in spans),
            max(self.changed_seq, other.changed_seq),
        )


def begin(db: sqlite3.Connection) -> None:
    """Count from now on, on the connection that writes; outside of a transaction."""
    db.executescript(QUERIES["count_from_now_on"])


def tally(db: sqlite3.Connection) -> Tally:
    """What waits; counted anew if somebody beside us wrote to the file (``requeue``)."""
    (version,) = db.execute(QUERIES["data_version"]).fetchone()
    found = Tally(*db.execute(QUERIES["tally"]).fetchone())
    if found.version == version:
        return found
    db.execute(QUERIES["count_again"], {"version": version})
    return Tally(*db.execute(QUERIES["tally"]).fetchone())


def head(
    db: sqlite3.Connection, limit: int = HEAD_LIMIT, limit_bytes: int = HEAD_BYTES
) -> list[Waiting]:
    """The oldest, in order, within both limits; one at least, however long it is."""
    found: list[Waiting] = []
    for row in db.execute(QUERIES["oldest_checkins"], {"limit": limit}):
        limit_bytes -= len(row["body"].encode()) + 1
        if found and limit_bytes < 0:
            break
        found.append(Waiting(row["id"], row["body"], row["attempts"]))
    return found


def sent_upto(db: sqlite3.Connection) -> int:
    """The newest that an earlier process may have sent: of the head, or noted as tried."""
    tried: int = db.execute(QUERIES["tried_upto"], {"limit": TRIED_LIMIT}).fetchone()["tried"]
    return max([tried, *(waiting.id for waiting in head(db))])


def settle(db: sqlite3.Connection, fates: Iterable[Fate], now: str, told: int | None) -> int:
    """Write down what became of what was sent, all in one; gives how many rejected were dropped.

    ``told`` is the newest that arrived whole: the gaps that it spoke of are known.
    """
    dropped = 0
    for fate in fates:
        said = {"id": fate.id, "reason": fate.reason, "now": now}
        if fate.reason is not None and not fate.is_final:
            db.execute(QUERIES["note_failed_attempt"], said)
            continue
        if fate.reason is not None:
            dropped += _reject(db, said)
            dropped += db.execute(
                QUERIES["drop_oldest_rejected"], {"keep": REJECTED_LIMIT}
            ).rowcount
        db.execute(QUERIES["acknowledge_checkin"], said)
    if told is not None:
        db.execute(QUERIES["forget_told_gaps"], {"seq": told})
    return dropped


def _reject(db: sqlite3.Connection, said: dict[str, Any]) -> int:
    """Keep it with the reason; gives 1 if it cannot be: a bit of its body has flipped."""
    try:
        db.execute(QUERIES["reject_checkin"], said)
    except sqlite3.DatabaseError as error:
        if is_passing(error) or is_damage(error):
            raise
        return 1
    return 0


def losses(db: sqlite3.Connection) -> list[Loss]:
    """What was thinned and governance was not told of, oldest first."""
    return [Loss(*row) for row in db.execute(QUERIES["gaps"])]


def make_room(db: sqlite3.Connection, limit_bytes: int, newest: int) -> Loss | None:
    """Thin until no more than ``limit_bytes`` wait; gives what that cost.

    First the oldest lose their detail, one after the other. When all have, every second one of the
    older half goes, again and again. What may have been sent already stays as it was sent: there
    it is known by its body. The newest stays.
    """
    cost: Loss | None = None
    behind = None
    for _ in range(STEPS):
        if tally(db).bytes <= limit_bytes:
            break
        if behind is None:
            behind = head(db)[-1].id
        step = _strip(db, behind, newest) or _drop(db, behind, newest)
        if step is None:
            break
        cost = cost.and_(step) if cost else step
    if cost:
        _note(db, cost)
    return cost


def _strip(db: sqlite3.Connection, behind: int, newest: int) -> Loss | None:
    """Take the detail of the next few; None when there is nothing left to take."""
    while True:
        after = max(behind, tally(db).stripped_upto)
        few = _thinnable(db, after, newest - 1)
        if not few:
            return None
        _move(db, stripped_upto=few[-1][0])
        lean = [
            (i, at) for i, at in few if db.execute(QUERIES["strip_checkin"], {"id": i}).rowcount
        ]
        if lean:
            return _loss(lean, newest, stripped=len(lean))


def _drop(db: sqlite3.Connection, behind: int, newest: int) -> Loss | None:
    """Drop every second of the next few of the older half; of all, when that has gone thin."""
    middle: int = db.execute(QUERIES["middle_checkin"]).fetchone()["middle"]
    for after, upto in (
        (max(behind, tally(db).dropped_upto), middle),
        (behind, middle),
        (behind, newest - 1),
    ):
        few = _thinnable(db, after, upto)
        if len(few) > 1:
            _move(db, dropped_upto=few[-1][0])
            gone = few[1::2]
            for seq, _ in gone:
                db.execute(QUERIES["acknowledge_checkin"], {"id": seq})
            return _loss(gone, newest, missing=len(gone))
    return None


def _thinnable(db: sqlite3.Connection, after: int, upto: int) -> list[tuple[int, str]]:
    asked = {"after": after, "upto": upto, "limit": CHUNK}
    return [
        (row["id"], row["recorded_at"]) for row in db.execute(QUERIES["thinnable_checkins"], asked)
    ]


def _move(
    db: sqlite3.Connection, stripped_upto: int | None = None, dropped_upto: int | None = None
) -> None:
    upto = {"stripped_upto": stripped_upto, "dropped_upto": dropped_upto}
    db.execute(QUERIES["move_cursors"], upto)


def _loss(of: list[tuple[int, str]], newest: int, missing: int = 0, stripped: int = 0) -> Loss:
    times = [at for _, at in of]
    return Loss(of[0][0], of[-1][0], missing, stripped, min(times), max(times), newest)


def _note(db: sqlite3.Connection, cost: Loss) -> None:
    """Add it to the gaps; what is near is one with it, and too many become fewer."""
    known = losses(db)
    kept = []
    for each in known:
        if each.first_seq - NEAR <= cost.last_seq and cost.first_seq <= each.last_seq + NEAR:
            cost = cost.and_(each)
        else:
            kept.append(each)
    kept = sorted([*kept, cost])
    while len(kept) > GAPS_LIMIT:
        kept[:2] = [kept[0].and_(kept[1])]
    for each in known:
        db.execute(QUERIES["remove_gap"], {"first_seq": each.first_seq})
    for each in kept:
        db.execute(QUERIES["add_gap"], each._asdict())
