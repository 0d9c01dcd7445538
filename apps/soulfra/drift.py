"""How fast all drift: counted by a follower of the log, an event at a time, decayed by who reads.

What a batch comes to does not depend on where it was cut: events are taken one after the other, and
a level is the same number whichever of them were taken before the process was started again.
"""

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from apps.postgres import Connection
from apps.queries import load
from apps.soulfra.log import PAGE, follow
from apps.soulfra.upcast import Recorded
from schemas.errors import Refused
from schemas.quantity import Instant
from schemas.soulfra.drift import (
    BEGIN,
    CRITICAL,
    FOLLOWER,
    HALF_LIFE_SECONDS,
    MOST_CRITICAL,
    Drifting,
    Rated,
    Told,
    distance,
)
from schemas.soulfra.events import ToneShifted
from schemas.soulfra.log import EventType, Stream
from schemas.soulfra.words import Entity

SQL: Final = load(Path(__file__).with_suffix(".sql"))
PER_DAY: Final = math.log(2) * 86_400 / HALF_LIFE_SECONDS
"""What a sum of decayed distances is as a rate."""
WHOSE: Final[Mapping[str, Drifting]] = {Entity.AGENT: "agent", Entity.LOOP: "loop"}
STREAM: Final[TypeAdapter[str]] = TypeAdapter(Stream)
BEGAN: Final = frozenset({EventType.LOOP_CREATED, EventType.LOOP_FORKED})
SNAPSHOT: Final = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"
Named = tuple[Drifting, str]


@dataclass(slots=True)
class Counted:
    """What the shifts of one, or of all, come to."""

    level: float | None = None
    shifts: int = 0
    shifted_at: datetime | None = None

    def shift(self, far: float, at: datetime) -> None:
        """One more shift."""
        self.level = raised(self.level, far, at)
        self.shifts += 1
        self.shifted_at = at if self.shifted_at is None else max(self.shifted_at, at)


@dataclass(slots=True)
class Counts:
    """Of all together, and of those that a batch names; ``ended`` have no rating any more."""

    whole: Counted = field(default_factory=Counted)
    agents: int = 0
    loops: int = 0
    each: dict[Named, Counted] = field(default_factory=dict)
    changed: set[Named] = field(default_factory=set)
    ended: set[Named] = field(default_factory=set)


def named(stream: str) -> Named:
    """Of ``agent:ID`` or ``loop:ID``, the two; Refused if it is neither."""
    entity, _, name = stream.partition(":")
    try:
        STREAM.validate_python(stream)
        return WHOSE[entity], name
    except (ValidationError, KeyError):
        raise Refused(f"{stream!r:.80}: does not drift", "as agent:ID or loop:ID") from None


def half_lives(at: datetime) -> float:
    """How many half-lives an instant is after the begin."""
    return (at - BEGIN).total_seconds() / HALF_LIFE_SECONDS


def raised(level: float | None, far: float, at: datetime) -> float:
    """A level after one more shift."""
    more = math.log2(far) + half_lives(at)
    if level is None:
        return more
    high, low = max(level, more), min(level, more)
    return high + math.log1p(2.0 ** (low - high)) / math.log(2)


def rating(level: float | None, at: datetime) -> float:
    """What a level is as a rating at an instant: distance a day."""
    return 0.0 if level is None else float(PER_DAY * 2.0 ** min(level - half_lives(at), 1_000.0))


def critical_level(at: datetime) -> float:
    """The level from which a rating is critical at an instant."""
    return math.log2(CRITICAL / PER_DAY) + half_lives(at)


def taken(counts: Counts, events: Iterable[Recorded]) -> None:
    """Pure: one event after the other, each of constant cost."""
    for event in events:
        entity, _, name = event.stream.partition(":")
        if event.type is EventType.AGENT_REGISTERED:
            counts.agents += 1
        elif event.type in BEGAN:
            counts.loops += 1
        elif event.type is EventType.LOOP_DISSOLVED:
            counts.loops -= 1
            counts.each.pop(("loop", name), None)
            counts.changed.discard(("loop", name))
            counts.ended.add(("loop", name))
        elif isinstance(event.what, ToneShifted):
            far = distance(event.what.before, event.what.after)
            whose = WHOSE[entity], name
            if far:  # from a tone to itself is no shift
                counts.each.setdefault(whose, Counted()).shift(far, event.recorded_at)
                counts.whole.shift(far, event.recorded_at)
                counts.changed.add(whose)


async def counted(conn: Connection, limit: int = PAGE, of: str = FOLLOWER) -> int:
    """Take the next events of the log, with what they come to, or not at all; gives how many.

    ``of`` is the follower, and the schema of what it counts.
    """
    return await follow(conn, of, partial(_take, of=of), limit)


async def told(conn: Connection, at: Instant | None = None, away: Collection[int] = ()) -> Told:
    """How fast all drift, now or as of an instant after the last event that was counted.

    Without the agents of slots that are ``away``: they are counted where they live.
    """
    at = at or datetime.now(UTC)
    async with conn.transaction():
        await conn.execute(SNAPSHOT)
        found = await critical(conn, at, away)
        row = await (await conn.execute(SQL["volatility"])).fetchone()
        gone = await of_slots(conn, at, away) if away else 0.0
    return of_all(row or (None, 0, 0, 0, None), found, at, gone)


async def critical(conn: Connection, at: Instant, away: Collection[int] = ()) -> list[Rated]:
    """The fastest of this database, one more than are told, but for agents of some slots."""
    asked = {"level": critical_level(at), "limit": MOST_CRITICAL + 1, "away": list(away)}
    cursor = await conn.execute(SQL["critical_here" if away else "critical"], asked)
    return [rated(row, at) for row in await cursor.fetchall()]


async def of_slots(conn: Connection, at: Instant, slots: Collection[int]) -> float:
    """The sum of the ratings of the agents of some slots, as this database has them."""
    asked = {"now": half_lives(at), "slots": list(slots)}
    row = await (await conn.execute(SQL["of_slots"], asked)).fetchone()
    return PER_DAY * float(row[0]) if row else 0.0


async def told_of(
    conn: Connection, entity: Drifting, name: str, at: Instant | None = None
) -> Rated | None:
    """How fast one drifts; None where there is no such one. Who never shifted has a rating of 0."""
    at = at or datetime.now(UTC)
    asked = {"entity": entity, "id": name}
    row = await (await conn.execute(SQL[f"rating_of_{entity}"], asked)).fetchone()
    return None if row is None else rated(row, at)


def rated(row: tuple[Any, ...], at: datetime) -> Rated:
    """A row of ratings at an instant."""
    entity, name, level, shifts, shifted_at = row
    return Rated(
        entity=entity,
        id=name,
        rating=rating(level, at),
        critical=level is not None and level >= critical_level(at),
        shifts=shifts or 0,
        shifted_at=shifted_at,
    )


def of_all(row: tuple[Any, ...], critical: list[Rated], at: datetime, gone: float = 0.0) -> Told:
    """The row of all together at an instant, without the ratings of those that are elsewhere."""
    level, agents, loops, _, _ = row
    return Told(
        at=at,
        index=max(rating(level, at) - gone, 0.0) / max(agents + loops, 1),
        agents=agents,
        loops=loops,
        critical=tuple(critical[:MOST_CRITICAL]),
        more=len(critical) > MOST_CRITICAL,
    )


async def _take(conn: Connection, events: list[Recorded], of: str) -> None:
    shifted = {
        (WHOSE[entity], name)
        for entity, _, name in (
            each.stream.partition(":") for each in events if each.type is EventType.TONE_SHIFTED
        )
    }
    counts = await _look(conn, shifted, of)
    taken(counts, events)
    await conn.execute(_sql("put_volatility", of), _row(counts.whole) | {
        "agents": counts.agents, "loops": counts.loops,
    })  # fmt: skip
    if counts.ended:
        entities, names = zip(*counts.ended, strict=True)
        await conn.execute(_sql("end", of), {"entities": list(entities), "ids": list(names)})
    put = [
        {"entity": entity, "id": name, **_row(counts.each[entity, name])}
        for entity, name in sorted(counts.changed)
    ]
    if put:
        await conn.execute(_sql("put_ratings", of), {"rows": to_json(put).decode()})


async def _look(conn: Connection, shifted: set[Named], of: str) -> Counts:
    row = await (await conn.execute(_sql("volatility", of))).fetchone()
    level, agents, loops, shifts, at = row or (None, 0, 0, 0, None)
    counts = Counts(Counted(level, shifts, at), agents, loops)
    if shifted:
        entities, names = zip(*shifted, strict=True)
        asked = {"entities": list(entities), "ids": list(names)}
        for found in await (await conn.execute(_sql("ratings", of), asked)).fetchall():
            counts.each[found[0], found[1]] = Counted(*found[2:])
    return counts


def _sql(name: str, of: str) -> str:
    return SQL[name].replace(f"{FOLLOWER}.", f"{of}.")


def _row(one: Counted) -> dict[str, Any]:
    return {"level": one.level, "shifts": one.shifts, "shifted_at": one.shifted_at}
