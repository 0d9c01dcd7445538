"""The log as it goes out: page by page, what may be told of each event, in the one order."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from pydantic_core import to_json

from apps.postgres import Connection
from apps.queries import load
from apps.soulfra.log import Place
from apps.soulfra.upcast import newest
from schemas.soulfra.live import FACTS, StreamName
from schemas.soulfra.log import EventType

SQL: Final = load(Path(__file__).with_suffix(".sql"))


class Told(NamedTuple):
    """An event, and what is told of it."""

    place: Place
    stream: StreamName
    type: EventType
    recorded_at: datetime
    data: bytes
    """JSON of its ``Fact``."""

    @property
    def message(self) -> bytes:
        """JSON of its ``Message``."""
        return b'{"id":"%s","stream":"%s","type":"%s","recorded_at":"%s","data":%s}' % (
            str(self.place).encode(), self.stream.encode(), self.type.encode(),
            self.recorded_at.isoformat().encode(), self.data,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Page:
    """What was told of the events that were looked at."""

    told: list[Told]
    place: Place
    """Of the last one that was looked at, told or not."""
    recorded_at: datetime | None = None
    looked_at: int = 0


async def page(
    conn: Connection, after: Place, limit: int, streams: Collection[StreamName] = tuple(StreamName)
) -> Page:
    """The next so many events: none is ever added before them."""
    types = [kind for kind, fact in FACTS.items() if fact.stream in streams]
    asked = {**after._asdict(), "limit": limit, "types": types}
    rows = await (await conn.execute(SQL["page"], asked)).fetchall()
    if not rows:
        return Page([], after)
    *_, last = rows
    told = [_told(row) for row in rows if row[6] is not None]
    return Page(told, Place(last[0], last[1]), last[5], last[7])


def _told(row: tuple[Any, ...]) -> Told:
    transaction_id, position, stream, kind, schema_version, recorded_at, data, _ = row
    of = EventType(kind)
    said = newest(of, schema_version, data).model_dump(mode="json")
    return Told(
        Place(transaction_id, position),
        FACTS[of].stream,
        of,
        recorded_at,
        to_json(FACTS[of].told(stream.partition(":")[2], said)),
    )


async def settled_until(conn: Connection) -> Place:
    """Now: the place of the last event that can have nothing before it any more."""
    row = await (await conn.execute(SQL["settled_until"])).fetchone()
    return Place(*row) if row else Place()


async def since(conn: Connection, instant: datetime, until: Place) -> Place:
    """A place right before the first event that was recorded since an instant, or after all."""
    low, high = 0, until.transaction_id + 1
    while low < high:
        middle = (low + high) // 2
        row = await (await conn.execute(SQL["first_from"], {"transaction_id": middle})).fetchone()
        if row is None or row[0] > high or row[2] >= instant:
            high = middle
        else:
            low = row[0] + 1
    return Place(low).before if low else Place()


async def is_there(conn: Connection, place: Place, recorded_at: datetime) -> bool:
    """Whether the log has this event, and not another in its place."""
    asked = {**place._asdict(), "recorded_at": recorded_at}
    row = await (await conn.execute(SQL["is_there"], asked)).fetchone()
    return bool(row and row[0])
