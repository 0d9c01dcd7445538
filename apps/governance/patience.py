"""uvicorn waits for ever for the rest of a request, and keeps all of its head. This does not."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SECONDS = 10.0
HEAD_LIMIT_BYTES = 65_536
HEADERS_LIMIT = 100
PIPELINE_LIMIT = 16
CONNECTIONS_LIMIT = 256
"""Of one door: together they hold some 130 MB at most, and one door cannot starve the other."""
TOO_MUCH = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)


class TooMuch(Exception):
    """More than any caller of ours sends."""


class Patient(HttpToolsProtocol):
    """HTTP in bounds: of time without a request, of head, of requests and connections at once."""

    _look: asyncio.TimerHandle | None = None
    _seen: object = None
    _unread = 0
    """Bytes since a head, a piece of a body or a request was whole."""

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
        self._unread += len(data)
        super().data_received(data)
        if self._unread > HEAD_LIMIT_BYTES and not self.transport.is_closing():
            self._turn_away()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header, or a trailer: they are kept in the same list."""
        if len(self.headers) >= HEADERS_LIMIT:
            self._turn_away()
            raise TooMuch
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Begin the request, or let it wait for those before it."""
        self._unread = 0
        super().on_headers_complete()
        if len(self.pipeline) > PIPELINE_LIMIT:
            self.transport.abort()
            raise TooMuch

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body; the application bounds the whole."""
        self._unread = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._unread = 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Say it, unless we turned away already."""
        if not self.transport.is_closing():
            super().send_400_response(msg)

    def _turn_away(self) -> None:
        self.transport.write(TOO_MUCH)
        self.transport.close()

    def _tick(self) -> None:
        serving = self.cycle is not None and not self.cycle.response_complete
        served = self.cycle is not self._seen
        self._seen = self.cycle
        if serving or served:
            self._look = self.loop.call_later(HEAD_SECONDS, self._tick)
        else:
            self.transport.close()


def _port(connection: Any) -> int | None:
    return connection.server[1] if connection.server else None
