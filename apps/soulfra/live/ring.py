"""The newest messages, each framed once for all who listen. Pure."""

from bisect import bisect_right
from collections.abc import Collection
from typing import Final

from websockets.frames import Frame, Opcode

from apps.soulfra.feed import Page, Told
from apps.soulfra.log import Place
from schemas.soulfra.live import StreamName

MESSAGES: Final = 10_000
BYTES: Final = 8_388_608
"""So much is kept; who is further behind is too slow."""


def framed(told: Told) -> bytes:
    """A text frame; a server's frames are not masked, so that one is right for everybody."""
    return Frame(Opcode.TEXT, told.message).serialize(mask=False)


class Ring:
    """What was told after ``since``, up to ``until``; nothing in between is missing."""

    def __init__(self, since: Place, messages: int = MESSAGES, size: int = BYTES) -> None:
        self.since = self.until = since
        self._most, self._size = messages, size
        self._bytes = 0
        self._places: list[Place] = []
        self._kept: list[tuple[StreamName, bytes]] = []

    def add(self, page: Page) -> None:
        """Take what comes next; forget what is too much."""
        for told in page.told:
            frame = framed(told)
            self._places.append(told.place)
            self._kept.append((told.stream, frame))
            self._bytes += len(frame)
        self.until = page.place
        out = 0
        while len(self._places) - out > self._most or self._bytes > self._size:
            self._bytes -= len(self._kept[out][1])
            out += 1
        if out:
            self.since = self._places[out - 1]
            del self._places[:out], self._kept[:out]

    def after(
        self, place: Place, streams: Collection[StreamName], limit: int
    ) -> tuple[bytes, Place]:
        """Some ``limit`` bytes of frames of what was told after a place, and up to which that is.

        Who asks for what is before ``since`` has missed something.
        """
        frames: list[bytes] = []
        size = 0
        for n in range(bisect_right(self._places, place), len(self._places)):
            stream, frame = self._kept[n]
            if stream in streams:
                frames.append(frame)
                size += len(frame)
                if size >= limit:
                    return b"".join(frames), self._places[n]
        return b"".join(frames), max(place, self.until)
