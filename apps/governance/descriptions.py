"""What agents say of themselves, cached in Redis for five minutes as the seeds ask for it.

Only words are cached: status, verdicts and tokens are read from Postgres each time, so a stale
word misleads nobody. A write leaves an empty value for ``CHANGING_SECONDS`` in its place, before
and after it: whoever read the old words meanwhile finds the place taken and does not put them
back. On the lab's machine 3 kB of words come from Redis in 0.08 ms and from Postgres in 0.65 ms,
and take none of its connections; the rest of ``get_agent`` costs what it costs.
"""

import logging
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from apps.governance.desk import Desk
from apps.governance.gather import Gather
from apps.queries import load
from apps.redis_line import Line
from schemas.errors import HouseError
from schemas.governance import keys
from schemas.governance.words import JsonObject
from schemas.quantity import Closed, Instant

log = logging.getLogger("governance")
SQL = load(Path(__file__).with_name("agents.sql"))
CHANGING_SECONDS: Final = 15
"""Longer than a read from Postgres may take."""
LARGEST: Final = 65_536
"""Characters of what is cached; who says more of itself is asked for each time."""


class Description(Closed):
    """An agent in its own words, and what of it never changes."""

    label: str | None
    purpose: str | None
    notes: str | None
    tags: tuple[str, ...]
    metadata: JsonObject
    parent_agent_id: str | None
    spawn_reason: str | None
    created_at: Instant


class Descriptions:
    """Read through the cache; whoever writes one says so."""

    def __init__(self, desk: Desk, line: Line) -> None:
        self._desk = desk
        self._line = line
        self._gather = Gather(self._load)
        self.hits = 0
        self.misses = 0
        self._is_told = False
        """Whether the log knows that the cache does not hear."""

    async def get(self, agent: str) -> Description | None:
        """The words of an agent, five minutes old at most if somebody wrote them by hand."""
        key = keys.description(agent)
        try:
            cached = await self._line.ask("GET", key)
        except HouseError:
            return await self._gather.get(agent)
        if cached:
            try:
                found = Description.model_validate_json(cached)
            except ValidationError:
                log.info("redis: %s: is of another release", key)
            else:
                self.hits += 1
                return found
        self.misses += 1
        read = await self._gather.get(agent)
        if read is not None and cached is None:
            await self._keep(key, read)
        return read

    async def changing(self, agent: str) -> None:
        """Before a write and after it: nobody caches what was read meanwhile."""
        try:
            await self._line.ask("SET", keys.description(agent), "", "EX", CHANGING_SECONDS)
        except HouseError as error:
            if not self._is_told:
                log.info("%s; what is cached of an agent may be %d s old", error.message,
                         keys.DESCRIPTION_LIFETIME_SECONDS)  # fmt: skip
            self._is_told = True
        else:
            self._is_told = False

    async def _keep(self, key: str, read: Description) -> None:
        text = read.model_dump_json()
        if len(text) > LARGEST:
            return
        seconds = keys.DESCRIPTION_LIFETIME_SECONDS
        try:
            await self._line.ask("SET", key, text, "NX", "EX", seconds)
        except HouseError as error:
            log.debug("%s; nothing is cached", error.message)

    async def _load(self, agents: list[str]) -> dict[str, Description]:
        names = list(Description.model_fields)
        async with self._desk.connection() as conn:
            rows = await conn.execute(SQL["described"], {"agents": agents})
            return {
                agent: Description.model_validate(dict(zip(names, rest, strict=True)))
                for agent, *rest in await rows.fetchall()
            }
