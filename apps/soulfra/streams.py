"""The streams in Redis: what they hold, and events added to them, each once and in order."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from apps.redis_line import Line, Script, Word
from apps.soulfra.feed import Page, Told
from apps.soulfra.log import Place
from schemas.errors import Diverged
from schemas.soulfra.keys import STREAM_ENTRIES, STREAM_SECONDS, STREAMS_PLACE
from schemas.soulfra.live import StreamName
from schemas.soulfra.log import EventType

HERE: Final = Path(__file__).parent
LOOK: Final = Script.load(HERE / "look.lua")
ADD: Final = Script.load(HERE / "add.lua")
NAMES: Final = tuple(StreamName)
KEYS: Final = (STREAMS_PLACE.pattern, *(name.key.pattern for name in NAMES))


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
        return [name for name in NAMES if self.place and self.last[name] > self.noted[name]]

    @property
    def is_whole(self) -> bool:
        """Whether nothing of it is lost."""
        return self.place is not None and self.last == self.noted


async def look(redis: Line) -> Held:
    """What Redis holds."""
    place, recorded_at, *ids = await redis.run(LOOK, KEYS, ("place", "recorded_at", *NAMES))
    places = [Place.read(each or "0-0") for each in ids]
    return Held(
        place=Place.read(place) if place else None,
        recorded_at=datetime.fromisoformat(recorded_at) if recorded_at else None,
        noted=dict(zip(NAMES, places[: len(NAMES)], strict=True)),
        last=dict(zip(NAMES, places[len(NAMES) :], strict=True)),
    )


async def drop(redis: Line, names: Sequence[StreamName]) -> None:
    """Take away streams that are not of this log."""
    await redis.ask("UNLINK", STREAMS_PLACE.pattern, *(name.key.pattern for name in names))


async def add(redis: Line, page: Page) -> int:
    """Add a page's events and note how far they go, all in one step; gives how many were there.

    An id that is not above the last one is refused by Redis: then the event must be there, or have
    been trimmed; if it is neither, the stream is of another log.
    """
    at = page.recorded_at.isoformat() if page.recorded_at else ""
    words: list[Word] = [STREAM_SECONDS, STREAM_ENTRIES, *NAMES, str(page.place), at]
    for told in page.told:
        recorded_at = told.recorded_at.isoformat()
        which = NAMES.index(told.stream) + 1
        words += (which, str(told.place), told.type, recorded_at, told.data)
    answer = await redis.run(ADD, KEYS, words)
    if isinstance(answer, str):
        raise Diverged(f"streams: event {answer} is missing, and later ones are there")
    return int(answer)


def told_of(stream: StreamName, name: str, said: Sequence[str]) -> Told:
    """An entry, read."""
    values = dict(zip(said[::2], said[1::2], strict=True))
    return Told(
        Place.read(name),
        stream,
        EventType(values["type"]),
        datetime.fromisoformat(values["recorded_at"]),
        values["data"].encode(),
    )
