"""ASGI, by hand: a bounded body in, one answer out."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, MutableMapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import to_json

from apps.bridge.refusals import (
    Busy,
    NotAllowed,
    NotSpoken,
    TooLarge,
    TooMany,
    TooSlow,
    Unauthorized,
    status_of,
)
from schemas.bridge import CHECK_IN_LIMIT_BYTES
from schemas.errors import HouseError, Unreachable

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]

BODY_SECONDS = 5.0
RETRY_SECONDS = 5
STALL_SECONDS = 20.0
"""How long a part of a stream may wait for a reader that takes nothing."""
JSON = "application/json"


class HungUp(Exception):
    """The caller is gone."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back."""

    body: bytes
    status: int = 200
    kind: str = JSON
    headers: dict[str, str] = field(default_factory=dict)
    stream: AsyncGenerator[bytes, None] | None = None
    """What follows the body, until it ends or the caller hangs up."""


def header(scope: Scope, name: str) -> str | None:
    """The first header of this name, or None."""
    found: dict[bytes, bytes] | None = scope.get("abode.headers")
    if found is None:
        found = scope["abode.headers"] = dict(reversed(scope["headers"]))
    value = found.get(name.encode())
    return None if value is None else value.decode("latin-1")


async def body(scope: Scope, receive: Receive) -> bytes:
    """The whole body, if it is short enough and comes soon enough."""
    claimed = header(scope, "content-length")
    if claimed and claimed.isdigit() and int(claimed) > CHECK_IN_LIMIT_BYTES:
        raise TooLarge(f"body: {claimed} bytes are above {CHECK_IN_LIMIT_BYTES}")
    parts = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise HungUp
                parts += message.get("body", b"")
                if len(parts) > CHECK_IN_LIMIT_BYTES:
                    raise TooLarge(f"body: above {CHECK_IN_LIMIT_BYTES} bytes")
                if not message.get("more_body"):
                    return bytes(parts)
    except TimeoutError:
        raise TooSlow(f"body: not there after {BODY_SECONDS:.0f} s") from None


def refusal(error: HouseError, allow: str = "") -> Answer:
    """An error as an answer: one sentence, a hint, never an action."""
    headers: dict[str, str] = {}
    if isinstance(error, Unreachable):
        wait = error.retry_after if isinstance(error, Busy) else RETRY_SECONDS
        headers["retry-after"] = str(wait)
    if isinstance(error, TooMany):
        headers["retry-after"] = str(error.retry_after)
    if isinstance(error, Unauthorized):
        # Basic first: Chromium reads one challenge of a line, and asks its reader for this one.
        headers["www-authenticate"] = 'Basic realm="governance", Bearer realm="governance"'
    if isinstance(error, NotAllowed):
        headers["allow"] = allow
    if isinstance(error, TooLarge | TooSlow):
        headers["connection"] = "close"
    return Answer(to_json(told(error)), status_of(error), headers=headers)


def told(error: HouseError) -> dict[str, Any]:
    """An error as JSON."""
    said: dict[str, Any] = {"success": False, "error": error.message}
    if error.hint:
        said["hint"] = error.hint
    if isinstance(error, NotSpoken):
        said["contracts"] = error.contracts
    return said


async def reply(receive: Receive, send: Send, answer: Answer) -> None:
    """Send an answer."""
    headers = [
        (b"content-type", answer.kind.encode()),
        *((name.encode(), value.encode()) for name, value in answer.headers.items()),
    ]
    if answer.stream is None:
        headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    goes_on = answer.stream is not None
    await send({"type": "http.response.body", "body": answer.body, "more_body": goes_on})
    if answer.stream is not None:
        await _pour(receive, send, answer.stream)


async def _pour(receive: Receive, send: Send, stream: AsyncGenerator[bytes, None]) -> None:
    """Send part after part; a caller who hangs up ends it, and one who does not read."""

    async def parts() -> None:
        async with aclosing(stream):
            async for part in stream:
                async with asyncio.timeout(STALL_SECONDS):
                    await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    pouring = asyncio.create_task(parts())
    gone = asyncio.create_task(_hung_up(receive))
    try:
        await asyncio.wait({pouring, gone}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (pouring, gone):
            task.cancel()
        await asyncio.gather(pouring, gone, return_exceptions=True)


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
