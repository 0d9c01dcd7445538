"""HTTP/1.1 in bounds: of time, of head and body, of requests and connections at once.

A request is handed on when it is whole, and its answer goes out in one write. A server for ASGI
takes a third of what a check-in may cost for the messages between the two (``make bench-bridge``).
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncGenerator, Awaitable
from contextlib import aclosing, suppress
from email.utils import formatdate
from functools import lru_cache, partial
from http import HTTPStatus
from typing import TYPE_CHECKING, cast
from urllib.parse import unquote

import httptools

from apps.bridge.refusals import Malformed, TooLarge, TooSlow
from apps.bridge.web import NONE, Answer, Request, Upgrade, refusal
from schemas.bridge import BATCH_LIMIT_BYTES, BATCH_PATH, CHECK_IN_LIMIT_BYTES

if TYPE_CHECKING:
    from apps.bridge.listener import Listener

log = logging.getLogger("governance")
HEAD_SECONDS = 10.0
HEAD_LIMIT_BYTES = 65_536
HEADERS_LIMIT = 100
BODY_SECONDS = 5.0
LONGER = {BATCH_PATH.encode(): BATCH_LIMIT_BYTES}
"""Paths whose bodies may be longer than a check-in."""
PIPELINE_LIMIT = 16
STALL_SECONDS = 20.0
"""How long a part of a stream may wait for a reader that takes nothing."""
LINGER_SECONDS = 2.0
LINGER_BODY_BYTES = 16_777_216
LINGER_HEAD_BYTES = 1_048_576
"""How long, and how much, is read and forgotten of whoever was answered before they had ended.

A socket that is closed with something unread in it resets the connection, and the answer that was
on its way is lost.
"""


class HeadTooLong(Malformed):
    """More of a head than any caller of ours sends."""

    status = 431


class TooMuch(Exception):
    """What follows is not read."""


class Wire(asyncio.Protocol):
    """One connection: requests in, their answers out in the same order."""

    def __init__(self, listener: "Listener") -> None:
        self._listener = listener
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[Request | Answer] = deque()
        self._serving: asyncio.Future[Answer] | asyncio.Task[None] | None = None
        self._is_streaming = False
        self._served = self._seen = 0
        self._stalled = False
        """Whether the last look found that the caller does not read."""
        self._unread = 0
        """Bytes since a head, a piece of a body or a request was whole."""
        self._half = False
        """Whether a head is there whose body is not."""
        self._left: int | None = None
        """What is still read, unheard, of a caller whose last request is known."""
        self._spilt = self._ended = False
        self._beyond: bytes | None = None
        """What came after a request to speak something else, until that is answered."""
        self._look: asyncio.TimerHandle | None = None
        self._body_due: asyncio.TimerHandle | None = None
        self._flows = asyncio.Event()
        self._flows.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start looking, unless this is one too many."""
        self._transport = cast("asyncio.Transport", transport)
        if self._listener.welcomes(self):
            self._look = self._loop.call_later(HEAD_SECONDS, self._tick)
        else:
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  it is gone anyhow
        """Forget it; a request that came whole is still done, a stream has nobody to go to."""
        self._listener.left(self)
        self._waiting.clear()
        self._flows.set()
        for timer in (self._look, self._body_due):
            if timer:
                timer.cancel()
        if self._serving and self._is_streaming:
            self._serving.cancel()

    def data_received(self, data: bytes) -> None:
        """Take a piece, if the head it belongs to is not too long."""
        if self._beyond is not None:
            self._beyond += data
            if len(self._beyond) > HEAD_LIMIT_BYTES:
                self._transport.abort()
            return
        if self._left is not None:
            self._spilt = True
            self._left -= len(data)
            if self._left < 0:
                self._transport.abort()
            return
        self._unread += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as after:
            self._beyond = data[after.args[0] :]
        except httptools.HttpParserError:
            self._refuse(Malformed("request: is not HTTP/1.1 as it should be"), LINGER_HEAD_BYTES)
        if self._left is not None:
            self._spilt = self._spilt or self._half
        elif self._unread > HEAD_LIMIT_BYTES:
            self._too_long(f"longer than {HEAD_LIMIT_BYTES} bytes")
        elif self._half and self._body_due is None:
            self._body_due = self._loop.call_later(BODY_SECONDS, self._late)

    def eof_received(self) -> bool:
        """Whoever has asked and only listens now is still answered; half a request is refused."""
        self._ended = True
        if self._left is None and (self._unread or self._half):
            self._refuse(Malformed("request: ended before it was whole"), 0)
        elif self._left is None:
            self._left = 0
        return bool(self._serving or self._waiting) and not self._is_streaming

    def pause_writing(self) -> None:
        """The caller does not read."""
        self._flows.clear()

    def resume_writing(self) -> None:
        """It reads again."""
        self._flows.set()
        self._next()

    def on_message_begin(self) -> None:
        """A request begins."""
        self._url = b""
        self._headers: dict[bytes, bytes] = {}
        self._count = 0
        self._body = bytearray()

    def on_url(self, url: bytes) -> None:
        """A piece of its address."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or a trailer, of which we need none."""
        self._count += 1
        if self._count > HEADERS_LIMIT:
            self._too_long(f"more than {HEADERS_LIMIT} headers")
            raise TooMuch
        if not self._half:
            self._headers.setdefault(name.lower(), value)

    def on_headers_complete(self) -> None:
        """Its body follows, if it is not too long."""
        self._unread, self._half = 0, True
        if len(self._waiting) >= PIPELINE_LIMIT:
            self._transport.abort()
            raise TooMuch
        self._limit = LONGER.get(self._url.partition(b"?")[0], CHECK_IN_LIMIT_BYTES)
        claimed = self._headers.get(b"content-length", b"0")
        if claimed.isdigit() and int(claimed) > self._limit:
            said = f"body: {claimed.decode():.40} bytes are above {self._limit}"
            self._refuse(TooLarge(said), LINGER_BODY_BYTES)
            raise TooMuch
        if self._headers.get(b"expect", b"").lower() == b"100-continue" and not self._serving:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        """A piece of its body."""
        self._unread = 0
        self._body += body
        if len(self._body) > self._limit:
            self._refuse(TooLarge(f"body: above {self._limit} bytes"), LINGER_BODY_BYTES)
            raise TooMuch

    def on_message_complete(self) -> None:
        """It is whole."""
        self._unread, self._half = 0, False
        if self._body_due:
            self._body_due.cancel()
            self._body_due = None
        parser, url = self._parser, self._url
        if not url.startswith(b"/"):
            url = _of_origin(url)
        path, _, query = url.partition(b"?")
        keeps = parser.should_keep_alive() and parser.get_http_version() == "1.1"
        if not keeps:
            self._left = LINGER_HEAD_BYTES
        self._waiting.append(
            Request(
                parser.get_method().decode("latin-1"),
                unquote(path.decode("latin-1")) if b"%" in path else path.decode("latin-1"),
                query,
                self._headers,
                bytes(self._body),
                self._listener.is_local,
                keeps,
            )
        )
        self._next()

    def drain(self) -> None:
        """Answer what has been asked, then close."""
        if self._left is None:
            self._left = LINGER_HEAD_BYTES
        if not (self._serving or self._waiting):
            self._close()

    def abort(self) -> None:
        """Close now."""
        self._transport.abort()

    def _next(self) -> None:
        """Begin the answer to what has waited longest, once the one before it is on its way."""
        if self._serving is not None or not self._flows.is_set():
            return
        if not self._waiting:
            if self._left is not None:
                self._close()
            return
        asked = self._waiting.popleft()
        if isinstance(asked, Answer):
            self._send(asked, keeps=False)
            self._waiting.clear()
            self._close()
        else:
            made = self._listener.app(asked)
            if isinstance(made, asyncio.Future):
                self._serving = made
                made.add_done_callback(partial(self._ready, asked))
            else:
                self._serving = self._loop.create_task(self._serve(asked, made))

    async def _serve(self, asked: Request, made: Awaitable[Answer]) -> None:
        try:
            answer = await made
            if answer.upgrade is not None:
                self._hand_over(answer.upgrade)
                return
            keeps = self._begin(asked, answer)
            if answer.stream is not None and asked.method != "HEAD":
                await self._pour(answer.stream, chunked=keeps)
        except Exception:
            log.exception("%.80r: a stream broke off", asked.path)
            self._transport.abort()  # what was sent of it is no whole answer
        self._ready_for_more()

    def _ready(self, asked: Request, made: asyncio.Future[Answer]) -> None:
        self._begin(asked, made.result())
        self._ready_for_more()

    def _begin(self, asked: Request, answer: Answer) -> bool:
        """Send what there is of an answer; whether the connection goes on after it."""
        ends = not asked.keeps or "connection" in answer.headers
        keeps = not ends and (self._left is None or bool(self._waiting))
        self._send(answer, keeps=keeps, has_body=asked.method != "HEAD")
        if ends:
            self._waiting.clear()
            self._left = self._left or LINGER_BODY_BYTES
        return keeps

    def _ready_for_more(self) -> None:
        """The next one, once the caller has read enough of this."""
        self._serving = None
        self._served += 1
        if self._beyond is not None and not self._waiting:
            beyond, self._beyond = self._beyond, None
            self.data_received(beyond)  # nothing else is spoken: it is HTTP after all
        self._next()

    def _hand_over(self, upgrade: Upgrade) -> None:
        """Let somebody else have the connection."""
        self._serving = None
        self._listener.left(self)
        if self._look:
            self._look.cancel()
        if not self._transport.is_closing():
            upgrade(self._transport, self._beyond or b"")

    def _send(self, answer: Answer, *, keeps: bool, has_body: bool = True) -> None:
        if self._transport.is_closing():
            return
        if answer.stream is None:
            size = b"content-length: %d\r\n" % len(answer.body)
        else:
            size = b"transfer-encoding: chunked\r\n" if keeps else b""
        more = b"" if keeps else b"connection: close\r\n"
        if answer.headers is not NONE:
            more += b"".join(
                f"{name}: {value}\r\n".encode()
                for name, value in answer.headers.items()
                if name != "connection"
            )
        begin = _begin(answer.status, answer.kind)
        body = answer.body if has_body and answer.stream is None else b""
        date = _date(int(time.time()))
        self._transport.write(b"%s%s%s%s\r\n%s" % (begin, date, size, more, body))

    async def _pour(self, stream: AsyncGenerator[bytes, None], *, chunked: bool) -> None:
        """Send part after part; a caller who hangs up ends it, and one who does not read."""
        self._is_streaming = True
        async with aclosing(stream) as parts:
            async for part in parts:
                self._transport.write(b"%x\r\n%s\r\n" % (len(part), part) if chunked else part)
                if not self._flows.is_set():
                    try:
                        async with asyncio.timeout(STALL_SECONDS):
                            await self._flows.wait()
                    except TimeoutError:
                        self._transport.abort()
                        return
        self._is_streaming = False
        if chunked:
            self._transport.write(b"0\r\n\r\n")

    def _refuse(self, error: Malformed | TooLarge | TooSlow, linger: int) -> None:
        """Say why nothing more is heard, after what was asked before."""
        if self._left is None:
            self._left = linger
            self._waiting.append(refusal(error))
            self._next()

    def _too_long(self, why: str) -> None:
        self._refuse(HeadTooLong(f"head: {why}"), LINGER_HEAD_BYTES)

    def _late(self) -> None:
        self._refuse(TooSlow(f"body: not there after {BODY_SECONDS:.0f} s"), LINGER_BODY_BYTES)

    def _close(self) -> None:
        """Close; what the caller still sends is read for a moment, so that the answer arrives."""
        if self._transport.is_closing():
            return
        if self._ended or not (self._spilt or self._half or self._unread):
            self._transport.close()
            return
        with suppress(OSError, RuntimeError):  # the caller may be gone already
            self._transport.write_eof()
        self._abort_in(LINGER_SECONDS)

    def _abort_in(self, seconds: float) -> None:
        if self._look:
            self._look.cancel()
        self._look = self._loop.call_later(seconds, self._transport.abort)

    def _tick(self) -> None:
        stalled, self._stalled = self._stalled, not self._flows.is_set()
        if self._transport.is_closing() or (stalled and self._stalled):
            self._transport.abort()  # a close waits for ever for a caller who does not read
            return
        if self._serving or self._half or self._served != self._seen:
            self._seen = self._served
            self._look = self._loop.call_later(HEAD_SECONDS, self._tick)
        elif self._unread:
            said = f"request: not there after {HEAD_SECONDS:.0f} s"
            self._refuse(TooSlow(said), LINGER_HEAD_BYTES)
        else:
            self._transport.close()
            self._abort_in(LINGER_SECONDS)


def _of_origin(url: bytes) -> bytes:
    """Path and query of an address that says more; one that says less is itself."""
    try:
        said = httptools.parse_url(url)
    except httptools.HttpParserInvalidURLError:
        return url
    return (said.path or b"/") + (b"?" + said.query if said.query else b"")


@lru_cache(maxsize=64)
def _begin(status: int, kind: str) -> bytes:
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\ncontent-type: {kind}\r\n".encode()


@lru_cache(maxsize=1)
def _date(second: int) -> bytes:
    return f"date: {formatdate(second, usegmt=True)}\r\n".encode()
