"""X-Session-ID -> agent. Postgres holds the truth, Redis answers first, this process when it must.

The key is the id itself, as the seeds ask for it (``GET session:ID``); who reads Redis could read
core.sessions as well. A wipe of Redis loses nobody: what is missed there is asked of Postgres, all
that gathered in one query, and is cached again. Nothing that is cached outlives its row.
"""

import asyncio
import logging
import time
from collections import OrderedDict
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import uuid4

import psycopg
from pydantic_core import to_json

from apps.governance.desk import Desk
from apps.governance.gather import Gather
from apps.postgres import Connection
from apps.queries import load
from apps.redis_line import Line
from schemas.errors import HouseError, Refused
from schemas.governance import keys
from schemas.governance.keys import SESSION_LIFETIME_SECONDS

log = logging.getLogger("governance")
SQL = load(Path(__file__).with_name("sessions.sql"))
TOUCH = load(Path(__file__).with_name("queries.sql"))["touch_sessions"]
PENDING_LIMIT: Final = 10_000
"""Bindings that wait for Redis, and sessions whose use waits for Postgres."""
AT_ONCE: Final = 500
NEAR_LIMIT: Final = 10_000
NEAR_SECONDS: Final = 60.0
"""How long this process believes itself without Redis."""
SLIDE_EVERY_SECONDS: Final = 10.0

Binding = tuple[str, float]
"""The agent of a session, and for how many seconds more it is so."""


class Sessions:
    """Bindings of sessions to agents; the caches are best effort and count what they lose."""

    def __init__(self, desk: Desk, line: Line) -> None:
        self._desk = desk
        self._line = line
        self._pending: dict[str, Binding | None] = {}
        self._wake = asyncio.Event()
        self._probe = uuid4().hex[:8]
        self._used: set[str] = set()
        self._near: OrderedDict[str, Binding] = OrderedDict()
        self._gather = Gather(self._ask_postgres)
        self.hits = 0
        """Look-ups that Redis answered."""
        self.misses = 0
        """Look-ups that Redis knew nothing of."""
        self.fallback = 0
        """Look-ups that this process or Postgres answered, because Redis did not."""
        self.dropped = 0
        """Bindings that Redis did not take; core.sessions has them."""

    async def agent(self, session_id: str) -> str | None:
        """Who a session belongs to, or None if no living session has this id."""
        try:
            agent = await self._line.ask("GET", keys.session(session_id))
        except HouseError:
            self.fallback += 1
            near = self._near.get(session_id)
            if near is not None and near[1] > time.monotonic():
                self._near.move_to_end(session_id)
                self._use(session_id)
                return near[0]
            return await self._truth(session_id)
        if agent is None:
            self.misses += 1
            return await self._truth(session_id)
        self.hits += 1
        self._use(session_id)
        return str(agent)

    async def bind(self, session_id: str, agent: str) -> str:
        """Give an agent a session; gives whose it is now: a living one stays where it was."""
        at = datetime.now(UTC)
        rows = to_json([{"session_id": session_id, "agent": agent, "at": at}]).decode()
        async with self._desk.connection() as conn, conn.transaction():
            await conn.execute(TOUCH, {"sessions": rows, "lifetime": SESSION_LIFETIME_SECONDS})
            found = await _living(conn, [session_id])
        if session_id not in found:
            raise Refused(f"session: agent {agent!r} is not there", "register it first")
        self.remember(found)
        return found[session_id][0]

    def remember(self, bindings: dict[str, Binding]) -> None:
        """Cache soon what Postgres confirmed. Never waits, never fails."""
        now = time.monotonic()
        for session_id, (agent, seconds) in bindings.items():
            self._near[session_id] = (agent, now + min(seconds, NEAR_SECONDS))
            self._near.move_to_end(session_id)
        while len(self._near) > NEAR_LIMIT:
            self._near.popitem(last=False)
        self._later(bindings)

    def forget(self, session_ids: list[str]) -> None:
        """What Postgres has no more is soon in no cache; Redis is told until it hears."""
        for session_id in session_ids:
            self._near.pop(session_id, None)
        self._later(dict.fromkeys(session_ids))

    async def run(self) -> None:
        """Write what is to be cached and what was used until cancelled."""
        slid = time.monotonic()
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(SLIDE_EVERY_SECONDS):
                    await self._wake.wait()
            self._wake.clear()
            await self._cache()
            if time.monotonic() - slid >= SLIDE_EVERY_SECONDS:
                slid = time.monotonic()
                await self.slide()

    async def slide(self) -> None:
        """Let what was used live on, in Postgres and then in Redis; what is over there goes."""
        used, self._used = list(self._used), set()
        for start in range(0, len(used), AT_ONCE):
            some = used[start : start + AT_ONCE]
            asked = {"session_ids": some, "lifetime": SESSION_LIFETIME_SECONDS}
            try:
                async with self._desk.connection() as conn, conn.transaction():
                    await conn.execute(SQL["slide_sessions"], asked)
                    found = await _living(conn, some)
            except (HouseError, psycopg.Error, TimeoutError) as error:
                log.info("sessions: %s; used ones are told next time", type(error).__name__)
                self._used.update(used[start : start + PENDING_LIMIT])
                return
            self.remember(found)
            self.forget([session_id for session_id in some if session_id not in found])

    async def check(self) -> str | None:
        """What is wrong with Redis, or None: a key is written and read back."""
        key, said = keys.probe(self._probe), uuid4().hex
        try:
            await self._line.ask("SET", key, said, "EX", keys.PROBE.lifetime_seconds)
            read = await self._line.ask("GET", key)
        except HouseError as error:
            return error.message
        return None if read == said else "redis: what was written cannot be read"

    async def close(self) -> None:
        """Let go of Redis."""
        await self._line.close()

    def _later(self, bindings: dict[str, Binding] | dict[str, None]) -> None:
        if not bindings:
            return
        room = PENDING_LIMIT - len(self._pending)
        if len(bindings) > room:
            self.dropped += len(bindings)
            return
        self._pending.update(bindings)
        self._wake.set()

    def _use(self, session_id: str) -> None:
        if len(self._used) < PENDING_LIMIT:
            self._used.add(session_id)

    async def _truth(self, session_id: str) -> str | None:
        """What Postgres says."""
        found = await self._gather.get(session_id)
        return found[0] if found else None

    async def _ask_postgres(self, session_ids: list[str]) -> dict[str, Binding]:
        async with self._desk.look_up() as conn:
            found = await _living(conn, session_ids)
        self.remember(found)
        return found

    async def _cache(self) -> None:
        """Tell Redis; bindings that it does not take are dropped, endings are kept for later."""
        pending, self._pending = list(self._pending.items()), {}
        for start in range(0, len(pending), AT_ONCE):
            some = pending[start : start + AT_ONCE]
            told = [self._line.ask(*_command(*each)) for each in some]
            said = await asyncio.gather(*told, return_exceptions=True)
            for (session_id, binding), answer in zip(some, said, strict=True):
                if isinstance(answer, HouseError):
                    self._lose(session_id, binding, answer)
                elif isinstance(answer, BaseException):
                    raise answer

    def _lose(self, session_id: str, binding: Binding | None, error: HouseError) -> None:
        if binding is None:
            self._pending.setdefault(session_id, None)
            return
        if not self.dropped:
            log.warning("%s; sessions go on from postgres", error.message)
        self.dropped += 1


async def _living(conn: Connection, session_ids: list[str]) -> dict[str, Binding]:
    """Those that are somebody's, and for how long."""
    found = await conn.execute(SQL["session_agents"], {"session_ids": session_ids})
    return {session_id: (agent, seconds) for session_id, agent, seconds in await found.fetchall()}


def _command(session_id: str, binding: Binding | None) -> tuple[str | int, ...]:
    key = keys.session(session_id)
    if binding is None or binding[1] < 1:
        return "DEL", key
    return "SET", key, binding[0], "EX", int(binding[1])
