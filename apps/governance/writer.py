"""Reports -> rows of one transaction, over a connection of its own, whatever breaks meanwhile."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import psycopg
from psycopg.errors import CheckViolation, DataError, IntegrityError, UniqueViolation
from pydantic_core import to_json

from apps.governance.audit import AuditLog
from apps.governance.batch import Batch
from apps.governance.memory import Memory
from apps.governance.numbers import Numbers
from apps.governance.report import Report
from apps.governance.sessions import Binding, Sessions
from apps.postgres import Connection, Pool, is_gone, renew
from apps.queries import load
from schemas.bridge import Verdict
from schemas.errors import Diverged, HouseError, Refused, Unreachable
from schemas.governance.keys import SESSION_LIFETIME_SECONDS
from schemas.governance.thresholds import Thresholds

log = logging.getLogger("governance")
SQL = load(Path(__file__).with_name("queries.sql"))

COMMIT_SECONDS = 8.0
RECONNECT_SECONDS = 3.0
AGAIN_SECONDS = 0.05

LOST = (psycopg.OperationalError, psycopg.InterfaceError, TimeoutError)

Outcome = Verdict | HouseError


class Stale(Exception):
    """What was remembered of an agent is not so any more; nothing was written."""


class Writer:
    """Commits batches, one after the other."""

    def __init__(
        self,
        pool: Pool,
        audit: AuditLog,
        sessions: Sessions,
        *,
        thresholds: Callable[[], Thresholds],
        on_lost: Callable[[str], None],
        numbers: Numbers,
    ) -> None:
        self._pool = pool
        self._audit = audit
        self._sessions = sessions
        self._thresholds = thresholds
        self._on_lost = on_lost
        self._numbers = numbers
        self._memory = Memory()
        self._unsure: set[tuple[str, str, int] | str] = set()
        """Keys and agents that a lost connection may have committed, and that no line tells of."""
        self._conn: Connection | None = None
        """It goes back to the pool when something went wrong."""
        self._told: list[Awaitable[None]] = []
        self._lost = False
        self.trouble: str | None = None
        """Why the last batch could not be written, until one is."""

    async def write(self, reports: list[Report]) -> tuple[list[Outcome], list[Awaitable[None]]]:
        """For each report what became of it, and what to await before anybody is told."""
        outcomes: list[Outcome]
        try:
            outcomes = await self._commit_or_split(reports)
        except Unreachable as error:
            outcomes = [error] * len(reports)
        told, self._told = self._told, []
        return outcomes, told

    async def close(self) -> None:
        """Give the connection back."""
        conn, self._conn = self._conn, None
        if conn is not None:
            await self._pool.putconn(conn)

    async def _commit_or_split(self, reports: list[Report]) -> list[Outcome]:
        """One transaction; if a row spoils it, each for itself."""
        try:
            return await self._commit_through(reports)
        except (psycopg.Error, ValueError) as error:
            if len(reports) > 1:
                return [out for one in reports for out in await self._commit_or_split([one])]
            return [await self._alone(reports[0], error)]

    async def _alone(self, said: Report, error: psycopg.Error | ValueError) -> Outcome:
        if isinstance(error, UniqueViolation) or _misplaced(error):
            # Another process wrote this key meanwhile: now it is a repeat. Or made the month.
            try:
                return (await self._commit_through([said]))[0]
            except psycopg.Error as second:
                error = second
        if isinstance(error, DataError | IntegrityError) and not _misplaced(error):
            name = error.diag.constraint_name
            return Refused(f"check-in: the database refused it{f': {name}' if name else ''}")
        self.trouble = type(error).__name__
        log.warning("postgres: %s while writing a check-in", self.trouble)
        return Diverged(f"check-in: not written: {type(error).__name__}")

    async def _commit_through(self, reports: list[Report]) -> list[Outcome]:
        """Commit; if the connection broke, again for some seconds: a key is asked again safely."""
        if self._lost:
            raise Unreachable("postgres: does not answer", "send it again later")
        broke: float | None = None
        while True:
            try:
                return await self._commit(reports)
            except LOST as error:
                kind = type(error).__name__
                if not is_gone(error):
                    self.trouble = kind
                    raise Unreachable(f"postgres: {kind}", "send it again") from None
            broke = broke or time.monotonic()
            if time.monotonic() - broke > RECONNECT_SECONDS:
                self.trouble = kind
                self._lost = True
                self._on_lost("it broke off while check-ins were being written")
                raise Unreachable("postgres: does not answer", "send it again")
            await renew(self._pool, RECONNECT_SECONDS)
            await asyncio.sleep(AGAIN_SECONDS)

    async def _commit(self, reports: list[Report]) -> list[Outcome]:
        batch = Batch(reports, self._thresholds(), frozenset(self._unsure), self._memory)
        try:
            async with asyncio.timeout(COMMIT_SECONDS):
                conn = self._conn = self._conn or await self._pool.getconn(RECONNECT_SECONDS)
                async with nullcontext() if batch.is_simple else conn.transaction():
                    bound = await self._fill(conn, batch)
        except Stale:
            self._memory.forget(said.agent for said in reports)
            return await self._commit(reports)
        except BaseException as error:
            self._memory.forget(said.agent for said in reports)
            await self.close()
            if isinstance(error, LOST) and is_gone(error):
                self._unsure |= batch.written  # it may be committed all the same
            raise
        if batch.rows:
            self.trouble = None
            self._numbers.wrote(len(batch.rows))
        for agent, stood in batch.stands.items():
            self._memory.learn(agent, stood)
        if self._unsure:
            self._unsure -= {said.key for said in reports} | {said.agent for said in reports}
        self._told.append(self._audit.queue(batch.events))
        self._sessions.remember(bound)
        return batch.outcomes

    async def _fill(self, conn: Connection, batch: Batch) -> dict[str, Binding]:
        """Write what the batch becomes; gives the sessions that Postgres bound."""
        standing: list[tuple[Any, ...]] = []
        if questions := batch.questions():
            asked: dict[str, Any] = {"asked": to_json(questions).decode()}
            standing = await _all(conn, "standing", asked)
            if strangers := batch.strangers(standing):
                made = await _all(conn, "create_identities", {"agents": strangers})
                batch.welcome({agent for (agent,) in made})
                standing = await _all(conn, "standing", asked)
        batch.judge(standing)
        if batch.rows:
            rows = {"rows": to_json(batch.rows).decode()}
            numbers = [number for (number,) in await _all(conn, "append_states", rows)]
            if not numbers:
                raise Stale
            batch.number(numbers)
        if not batch.sessions:
            return {}
        lifetime = SESSION_LIFETIME_SECONDS
        asked = {"sessions": to_json(batch.session_rows()).decode(), "lifetime": lifetime}
        bound = await _all(conn, "touch_sessions", asked)
        return {session_id: (agent, lifetime) for session_id, agent in bound}


async def _all(conn: Connection, query: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    return await (await conn.execute(SQL[query], values)).fetchall()


def _misplaced(error: Exception) -> bool:
    """Whether a row has no month: Postgres names no constraint then. Not the row's fault."""
    return isinstance(error, CheckViolation) and error.diag.constraint_name is None
