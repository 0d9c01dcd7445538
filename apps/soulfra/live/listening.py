"""One who listens: a WebSocket that ``websockets`` speaks, on a connection of the house."""

import asyncio
import logging
import socket
from collections.abc import Callable
from typing import Final, cast

from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.server import ServerProtocol

from apps.soulfra.log import Place
from schemas.soulfra.live import StreamName

log = logging.getLogger("soulfra")
HEARD_BYTES: Final = 1_024
"""A listener says next to nothing; a longer message ends the connection (1009)."""
BUFFER_BYTES: Final = 65_536
"""What may wait in the process for one that does not read, and as much in the kernel."""
PING_SECONDS: Final = 20.0
"""Between two pings; one that is not answered before the next ends the connection."""
STALL_SECONDS: Final = 10.0
"""How long one may read nothing while there is something for it."""
CLOSE_SECONDS: Final = 5.0
"""For the other side to say goodbye."""
GOING_AWAY, SPEAKS, FULL, SLOW = 1001, 1003, 1013, 4008
"""Why it ends: we stop; it said something; there are too many; it is too slow."""


class TooSlow(Exception):
    """It does not take what is sent."""


class Listening(asyncio.Protocol):
    """A connection after its handshake."""

    def __init__(
        self,
        speaking: ServerProtocol,
        place: Place | None,
        streams: frozenset[StreamName],
        left: Callable[["Listening"], None],
    ) -> None:
        self.place = place
        """After which event it goes on; None: from now on."""
        self.streams = streams
        self._speaking = speaking
        self._left = left
        self._flows = asyncio.Event()
        self._flows.set()
        self._answers = True
        self._timer: asyncio.TimerHandle | None = None
        self.gone = asyncio.Event()
        self.feeding: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say that it is one now, and begin to look after it."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=BUFFER_BYTES)
        self._transport.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES
        )
        self._send()
        self._timer = asyncio.get_running_loop().call_later(PING_SECONDS, self._ping)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  it is gone anyhow
        """Forget it."""
        self._flows.set()
        self.gone.set()
        if self._timer:
            self._timer.cancel()
        if self.feeding:
            self.feeding.cancel()
        self._left(self)

    def data_received(self, data: bytes) -> None:
        """Whatever it says shows that it is there; there is nothing to be told to us."""
        self._answers = True
        self._speaking.receive_data(data)
        for event in self._speaking.events_received():
            if isinstance(event, Frame) and event.opcode in {Opcode.TEXT, Opcode.BINARY}:
                self.close(SPEAKS, "nothing is taken here")
        self._send()

    def eof_received(self) -> bool:
        """It went without a goodbye, or after it."""
        self._speaking.receive_eof()
        self._send()
        return False

    def pause_writing(self) -> None:
        """It does not read."""
        self._flows.clear()

    def resume_writing(self) -> None:
        """It reads again."""
        self._flows.set()

    async def send(self, frames: bytes) -> None:
        """Frames that are made already, in their order; TooSlow if it does not take them."""
        if self._speaking.state is State.OPEN and not self._transport.is_closing():
            self._transport.write(frames)
        try:
            async with asyncio.timeout(STALL_SECONDS):
                await self._flows.wait()
        except TimeoutError:
            raise TooSlow from None

    def close(self, code: int, reason: str) -> None:
        """Say why, and hang up when it has heard, or after a moment."""
        if self._speaking.state is State.OPEN:
            self._speaking.send_close(code, reason)
            self._send()
            if self._timer:
                self._timer.cancel()
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(CLOSE_SECONDS, self._transport.abort)

    def abort(self) -> None:
        """Hang up."""
        self._transport.abort()

    def _ping(self) -> None:
        if not self._answers:
            self._transport.abort()
            return
        self._answers = False
        self._speaking.send_ping(b"")
        self._send()
        self._timer = asyncio.get_running_loop().call_later(PING_SECONDS, self._ping)

    def _send(self) -> None:
        for data in self._speaking.data_to_send():
            if self._transport.is_closing():
                return
            if data:
                self._transport.write(data)
            else:
                self._transport.close()
                if self._timer:
                    self._timer.cancel()
                # A close waits for ever for one who does not read.
                loop = asyncio.get_running_loop()
                self._timer = loop.call_later(CLOSE_SECONDS, self._transport.abort)
