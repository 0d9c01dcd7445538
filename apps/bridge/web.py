"""A request that came whole, and one answer to it."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

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
from schemas.errors import HouseError, Unreachable

RETRY_SECONDS = 5
JSON = "application/json"
NONE: Mapping[str, str] = MappingProxyType({})


class Request(NamedTuple):
    """What somebody asked at a door."""

    method: str
    path: str
    """Percent-decoded, without the query."""
    query: bytes = b""
    headers: Mapping[bytes, bytes] = MappingProxyType({})
    """By name in small letters; of those that are there twice the first."""
    body: bytes = b""
    is_local: bool = False
    """Whether it came through the local door."""
    keeps: bool = True
    """Whether the connection is to be used again."""

    def header(self, name: bytes) -> str | None:
        """The header of this name, or None."""
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1")


Upgrade = Callable[[asyncio.Transport, bytes], None]
"""Takes a connection over, with what its caller has sent already."""


class Answer(NamedTuple):
    """What goes back."""

    body: bytes
    status: int = 200
    kind: str = JSON
    headers: Mapping[str, str] = NONE
    stream: AsyncGenerator[bytes, None] | None = None
    """What is sent instead of the body, until it ends or the caller hangs up."""
    upgrade: Upgrade | None = None
    """Who has the connection from now on, instead of an answer by HTTP."""


App = Callable[[Request], Awaitable[Answer]]
"""It never raises."""


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
