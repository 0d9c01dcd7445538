"""uvicorn waits for ever for the rest of a request, and keeps all of its head. This does not."""

import asyncio
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from pydantic_core import to_json
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SECONDS = 10.0
HEAD_LIMIT_BYTES = 65_536
HEADERS_LIMIT = 100
PIPELINE_LIMIT = 16
CONNECTIONS_LIMIT = 256
"""Of one door: together they hold some 130 MB at most, and one door cannot starve the other."""
LINGER_SECONDS = 2.0
LINGER_BODY_BYTES = 16_777_216
LINGER_HEAD_BYTES = 1_048_576
"""How long, and how much, is read and forgotten of whoever was answered before they had ended.

A socket that is closed with something unread in it resets the connection, and the answer that was
on its way is lost.
"""


class TooMuch(Exception):
    """More than any caller of ours sends."""


class Patient(HttpToolsProtocol):
    """HTTP in bounds: of time without a request, of head, of requests and connections at once."""

    _look: asyncio.TimerHandle | None = None
    _seen: object = None
    _stalled = False
    """Whether the last look found that the caller does not read."""
    _unread = 0
    """Bytes since a head, a piece of a body or a request was whole."""
    _left: int | None = None
    """What is still read, unheard, of a caller who has been answered for good."""
    _spilt = 0
    """Bytes of a body that came after its answer."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start looking, unless this is one too many."""
        super().connection_made(transport)
        if sum(_port(other) == _port(self) for other in self.connections) > CONNECTIONS_LIMIT:
            transport.abort()
            return
        self._look = self.loop.call_later(HEAD_SECONDS, self._tick)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop looking."""
        if self._look:
            self._look.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take a piece, if the head it belongs to is not too long."""
        if self._left is not None:
            self._left -= len(data)
            if self._left < 0:
                self.transport.abort()
            return
        self._unread += len(data)
        super().data_received(data)
        if self._unread > HEAD_LIMIT_BYTES and self._left is None:
            self._turn_away(431, f"head: longer than {HEAD_LIMIT_BYTES} bytes")

    def eof_received(self) -> bool:  # type: ignore[override]
        """Whoever has asked and only listens now is still answered; half a request is refused."""
        waiting = self.cycle is not None and not self.cycle.response_complete
        half = self._unread > 0 or (self.cycle is not None and self.cycle.more_body)
        if self._left is None and half:
            self._forget()
            self.transport.write(_answer(400, "request: ended before it was whole"))
        elif waiting and not self.cycle.response_started:
            self.cycle.keep_alive = False
            return True
        return False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header, or a trailer: they are kept in the same list."""
        if len(self.headers) >= HEADERS_LIMIT:
            self._turn_away(431, f"head: more than {HEADERS_LIMIT} headers")
            raise TooMuch
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Begin the request, or let it wait for those before it."""
        self._unread = self._spilt = 0
        super().on_headers_complete()
        self.cycle.transport = Courteous(self)  # type: ignore[assignment]
        if len(self.pipeline) > PIPELINE_LIMIT:
            self.transport.abort()
            raise TooMuch

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body; the application bounds the whole."""
        self._unread = 0
        if self.cycle.response_complete:
            self._spilt += len(body)
            if self._spilt > LINGER_BODY_BYTES:
                self.transport.abort()
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._unread = 0
        self.cycle.more_body = False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Go on to the next request, unless this was the last."""
        if self._left is None:
            super().on_response_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  uvicorn's words
        """Say it in our words, unless we turned away already."""
        if self._left is None:
            self._turn_away(400, "request: is not HTTP/1.1 as it should be")

    @property
    def hears(self) -> bool:
        """Whether it is any use to send."""
        return self._left is None and not self.transport.is_closing()

    def leave(self, linger: int) -> None:
        """Close; what the caller still sends is read for a moment, so that the answer arrives."""
        if not self.hears:
            return
        self._left = linger
        self._forget()
        self.flow.resume_reading()
        with suppress(OSError, RuntimeError):  # the caller may be gone already
            self.transport.write_eof()
        if self._look:
            self._look.cancel()
        self._look = self.loop.call_later(LINGER_SECONDS, self.transport.abort)

    def _forget(self) -> None:
        """Tell whoever is still at an answer that nobody will hear it."""
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()

    def _turn_away(self, status: int, error: str) -> None:
        if not self.transport.is_closing():
            self.transport.write(_answer(status, error))
            self.leave(LINGER_HEAD_BYTES)

    def _tick(self) -> None:
        stalled, self._stalled = self._stalled, self.flow.write_paused
        if self.transport.is_closing() or (stalled and self._stalled):
            self.transport.abort()  # a close waits for ever for a caller who does not read
            return
        serving = self.cycle is not None and not self.cycle.response_complete
        served = self.cycle is not self._seen
        self._seen = self.cycle
        if serving or served:
            self._look = self.loop.call_later(HEAD_SECONDS, self._tick)
        elif self._unread:
            self._turn_away(408, f"request: not there after {HEAD_SECONDS:.0f} s")
        else:
            self.transport.close()
            self._look = self.loop.call_later(LINGER_SECONDS, self.transport.abort)


class Courteous:
    """The transport as a request's answer sees it: it is closed once the request is read."""

    def __init__(self, of: Patient) -> None:
        self._of = of

    def write(self, data: bytes) -> None:
        """Send, unless somebody ended the connection meanwhile."""
        if self._of.hears:
            self._of.transport.write(data)

    def is_closing(self) -> bool:
        """Whether it is no use to send."""
        return not self._of.hears

    def close(self) -> None:
        """At once if the request came whole, as it does as a rule."""
        if self._of.cycle.more_body:
            self._of.leave(LINGER_BODY_BYTES)
        elif self._of.hears:
            self._of.transport.close()


def _answer(status: int, error: str) -> bytes:
    body = to_json({"success": False, "error": error})
    head = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + body


def _port(connection: Any) -> int | None:
    return connection.server[1] if connection.server else None
