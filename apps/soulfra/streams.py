"""The streams in Redis: what is in them, and events added to them, each once and in order."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from apps.soulfra.feed import Page, Place, Told
from schemas.errors import Diverged
from schemas.soulfra.keys import STREAM_ENTRIES, STREAM_SECONDS, STREAMS_PLACE
from schemas.soulfra.live import StreamName
from schemas.soulfra.log import EventType

GONE: Final = (RedisError, OSError, TimeoutError)
"""Redis is away, or would not. ``Diverged`` is something else."""
TOO_SMALL: Final = "equal or smaller"
PLACE, AT = "place", "recorded_at"


@dataclass(frozen=True, slots=True)
class Held:
    """What Redis says of itself: written with the events in one step, so that it is never half."""

    place: Place | None = None
    recorded_at: datetime | None = None
    noted: dict[StreamName, Place] = field(default_factory=dict)
    """The last id of each stream, as it was noted."""
    last: dict[StreamName, Place] = field(default_factory=dict)
    """The last id of each stream, as it is."""

    @property
    def foreign(self) -> list[StreamName]:
        """Streams with events that were never noted."""
        return [name for name in StreamName if self.last[name] > self.noted[name]]

    @property
    def is_whole(self) -> bool:
        """Whether nothing of it is lost."""
        return self.place is not None and self.last == self.noted


async def look(redis: "Redis[str]") -> Held:
    """What Redis holds."""
    asking = redis.pipeline(transaction=True)
    asking.hgetall(STREAMS_PLACE.pattern)
    for name in StreamName:
        asking.xinfo_stream(name.key.pattern)
    noted, *infos = await asking.execute(raise_on_error=False)
    for each in (noted, *infos):
        if isinstance(each, Exception) and "no such key" not in str(each):
            raise each
    last = [
        "0-0" if isinstance(info, ResponseError) else info["last-generated-id"] for info in infos
    ]
    return Held(
        place=Place.read(noted[PLACE]) if PLACE in noted else None,
        recorded_at=datetime.fromisoformat(noted[AT]) if noted.get(AT) else None,
        noted={name: Place.read(noted.get(name, "0-0")) for name in StreamName},
        last={name: Place.read(said) for name, said in zip(StreamName, last, strict=True)},
    )


async def drop(redis: "Redis[str]", names: Sequence[StreamName]) -> None:
    """Take away streams that are not of this log."""
    await redis.delete(STREAMS_PLACE.pattern, *(name.key.pattern for name in names))


async def add(redis: "Redis[str]", held: Held, page: Page) -> int:
    """Add a page's events and note how far they go, all in one step; gives how many were there.

    An id that is not above the last one is refused by Redis: then the event must be there, or have
    been trimmed; if it is neither, the stream is of another log.
    """
    adding = redis.pipeline(transaction=True)
    noted = dict(held.last)
    for told in page.told:
        adding.xadd(
            told.stream.key.pattern, fields(told), id=str(told.place),
            maxlen=STREAM_ENTRIES, approximate=True,
        )  # fmt: skip
        noted[told.stream] = max(noted[told.stream], told.place)
    place = {
        PLACE: str(page.place),
        AT: page.recorded_at.isoformat() if page.recorded_at else "",
        **{str(name): str(last) for name, last in noted.items()},
    }
    adding.hset(STREAMS_PLACE.pattern, mapping=place)
    for key in (STREAMS_PLACE, *(name.key for name in StreamName)):
        adding.expire(key.pattern, STREAM_SECONDS)
    answers = await adding.execute(raise_on_error=False)
    refused = []
    for told, answer in zip(page.told, answers, strict=False):
        if isinstance(answer, ResponseError) and TOO_SMALL in str(answer):
            refused.append(told)
    for answer in answers:
        if isinstance(answer, Exception) and TOO_SMALL not in str(answer):
            raise answer
    for name in StreamName:
        await _are_there(redis, name, [told.place for told in refused if told.stream is name])
    return len(refused)


def fields(told: Told) -> dict[Any, Any]:
    """An entry of a stream: with its id it makes a ``Message``."""
    return {
        "type": str(told.type),
        "recorded_at": told.recorded_at.isoformat(),
        "data": told.data,
    }


async def _are_there(redis: "Redis[str]", name: StreamName, wanted: Sequence[Place]) -> None:
    if not wanted:
        return
    key = name.key.pattern
    first = await redis.xrange(key, "-", "+", count=1)
    oldest = Place.read(first[0][0]) if first else Place(2**63)
    found = await redis.xrange(key, str(wanted[0]), str(wanted[-1]))
    there = {Place.read(said) for said, _ in found}
    for place in wanted:
        if place not in there and place >= oldest:
            raise Diverged(f"{key}: has no {place}, and later events")


def told_of(stream: StreamName, name: str, said: dict[str, str]) -> Told:
    """An entry, read."""
    return Told(
        Place.read(name),
        stream,
        EventType(said["type"]),
        datetime.fromisoformat(said["recorded_at"]),
        said["data"].encode(),
    )
