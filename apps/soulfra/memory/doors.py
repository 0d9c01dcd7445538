"""What agents remember, over HTTP: told and asked in plain words, sealed on disk."""

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import parse_qsl
from uuid import UUID

from pydantic import ValidationError

from apps.bridge import body
from apps.bridge.web import Request
from apps.soulfra.given import id_of
from apps.soulfra.memory.file import MemoryFile
from apps.soulfra.memory.handles import Handles
from apps.soulfra.memory.told import (
    Apart,
    Asked,
    Faded,
    Newest,
    Reflected,
    Remembered,
    Shifted,
    Told,
)
from schemas.errors import HouseError, Refused, Unreachable

log = logging.getLogger("soulfra")
Tell = Callable[[MemoryFile, Any, UUID | None], int]
Do = Callable[[MemoryFile, Any], int]
Ask = Callable[[MemoryFile, Any], Any]
Measured = Callable[[str, int], Awaitable[object]]
"""Hears of which agent how many memories it has."""
TELL: Final[Mapping[str, tuple[type[Told], Tell]]] = MappingProxyType(
    {
        "memories": (Remembered, MemoryFile.remember),
        "reflections": (Reflected, MemoryFile.reflect),
        "tones": (Shifted, MemoryFile.shift_tone),
    }
)
DO: Final[Mapping[str, tuple[type[Apart | Faded], Do]]] = MappingProxyType(
    {
        "compress": (Faded, MemoryFile.compress),
        "expand": (Apart, lambda file, asked: file.expand(asked.bundle_id)),
    }
)
ASK: Final[Mapping[str, tuple[type[Asked | Newest], Ask]]] = MappingProxyType(
    {
        "memories": (Asked, MemoryFile.recall),
        "reflections": (Newest, lambda file, asked: file.reflections(asked.limit)),
        "tones": (Newest, lambda file, asked: file.tone_shifts(asked.limit)),
        "bundles": (Newest, lambda file, asked: file.bundles(asked.limit)),
        "memory": (Newest, lambda file, _: file.counts()),
    }
)
METHODS: Final = {
    **{what: ("GET", "POST") if what in TELL else ("GET",) for what in ASK},
    **dict.fromkeys(DO, ("POST",)),
}


class Remembering:
    """Of one process."""

    def __init__(self, handles: Handles, measured: Measured) -> None:
        self._handles = handles
        self._measured = measured
        self._unmeasured = 0

    async def answer(self, what: str, agent_id: str, asked: Request) -> Any:
        """What is remembered; or the number of what was told, which is on disk by then.

        Or with how many memories something was done; given again, it is none any more.
        """
        if what in DO:
            sort, do = DO[what]
            body.decode(asked.body, what)
            how = body.read(sort, asked.body, what)
            return {"memories": await self._with(agent_id, lambda file: do(file, how))}
        if asked.method == "POST":
            kind, tell = TELL[what]
            body.decode(asked.body, what)
            told = body.read(kind, asked.body, what)
            if told.id is not None:
                raise Refused(f"{what}: id: is made here", "leave it out")
            command_id = id_of(asked)
            number = await self._with(agent_id, lambda file: tell(file, told, command_id))
            if kind is Reflected:
                await self._measure(agent_id)
            return {"id": number}
        wanted, ask = ASK[what]
        given = _query(wanted, asked.query, what)
        found = await self._with(agent_id, lambda file: ask(file, given))
        if isinstance(found, list):
            return [each.model_dump(mode="json") for each in found]
        return found.model_dump(mode="json")

    def health(self) -> dict[str, int]:
        """How often a file was open already, was opened, and was closed for another."""
        seen = self._handles.seen
        files = {"hits": seen.hits, "opened": seen.opened, "closed": seen.closed}
        return files | {"unmeasured": self._unmeasured}

    async def _measure(self, agent_id: str) -> None:
        """Say how much there is. The reflection is kept: if nobody hears, it is counted."""
        counts = await self._with(agent_id, MemoryFile.counts)
        try:
            await self._measured(agent_id, counts.memories)
        except HouseError as error:
            self._unmeasured += 1
            log.warning("agent %r: its memory_depth is not told: %s", agent_id, error)

    async def _with(self, agent_id: str, do: Callable[[MemoryFile], Any]) -> Any:
        """In a thread: files wait for the disk."""

        def done() -> Any:
            with self._handles.using(agent_id) as file:
                return do(file)

        try:
            return await asyncio.to_thread(done)
        except (sqlite3.Error, OSError) as error:
            raise Unreachable(
                f"agent {agent_id!r}: its memory: {type(error).__name__}", "ask again later"
            ) from error


def _query(wanted: type[Asked | Newest], query: bytes, what: str) -> Asked | Newest:
    """``?since=...&limit=10``."""
    said = dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True))
    try:
        return wanted.model_validate_strings(said)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        known = ", ".join(wanted.model_fields)
        raise Refused(f"{what}: {place}: {first['msg']}", f"it is asked by {known}") from None
