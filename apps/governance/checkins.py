"""CheckIn -> Verdict, exactly once for ever. One writer commits whatever gathered meanwhile."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import psycopg
from psycopg.errors import CheckViolation, DataError, IntegrityError, UniqueViolation
from pydantic_core import to_json

from apps.bridge.refusals import Busy
from apps.governance.audit import AuditLog
from apps.governance.batch import Batch
from apps.governance.limits import Limits, is_live
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

QUEUE_LIMIT = 1_024
BATCH_LIMIT = 256
COMMIT_SECONDS = 8.0
RECONNECT_SECONDS = 3.0
AGAIN_SECONDS = 0.05
AHEAD = 2
"""Batches whose lines may be on their way to the disk."""

LOST = (psycopg.OperationalError, psycopg.InterfaceError, TimeoutError)

Outcome = Verdict | HouseError


class Stale(Exception):
    """What was remembered of an agent is not so any more; nothing was written."""


class Checkins:
    """The queue, its one writer, and the promise that an answer means a committed row."""

    def __init__(
        self,
        pool: Pool,
        thresholds: Thresholds,
        audit: AuditLog,
        sessions: Sessions,
        on_lost: Callable[[str], None],
        *,
        numbers: Numbers | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._pool = pool
        self._thresholds = thresholds
        self._audit = audit
        self._sessions = sessions
        self._memory = Memory()
        self._on_lost = on_lost
        self._numbers = numbers or Numbers()
        self._limits = limits
        self._queue: deque[tuple[Report, asyncio.Future[Verdict]]] = deque()
        self._wake = asyncio.Event()
        self._told: list[Awaitable[None]] = []
        self._unsure: set[tuple[str, str, int] | str] = set()
        self._answering: deque[asyncio.Task[None]] = deque()
        self._conn: Connection | None = None
        """The writer's own: it goes back to the pool when something went wrong."""
        self._closed: HouseError | None = None
        self._lost = False
        self.trouble: str | None = None
        """Why the last batch could not be written, until one is."""

    @property
    def thresholds(self) -> Thresholds:
        """What verdicts are measured by; what is set counts from the next batch on."""
        return self._thresholds

    @thresholds.setter
    def thresholds(self, thresholds: Thresholds) -> None:
        self._thresholds = thresholds

    async def handle(self, said: Report) -> Verdict:
        """The verdict, once the check-in and its line are on disk."""
        begun = time.monotonic()
        try:
            answer = await self._handle(said)
        except HouseError as error:
            self._numbers.refused(error)
            raise
        self._numbers.answered(answer, time.monotonic() - begun)
        return answer

    async def _handle(self, said: Report) -> Verdict:
        if self._limits:
            await self._limits.admit(said)
        return await self.put(said)

    async def admitted(self, reports: Sequence[Report]) -> list[HouseError | None]:
        """For each why it comes too soon, or None."""
        found: list[HouseError | None] = [None] * len(reports)
        counted = [place for place, said in enumerate(reports) if is_live(said)]
        if self._limits and counted:
            asked = (self._limits.admit(reports[place]) for place in counted)
            told = await asyncio.gather(*asked, return_exceptions=True)
            for place, why in zip(counted, told, strict=True):
                if isinstance(why, HouseError):
                    found[place] = why
                elif why is not None:
                    raise why
        return found

    def put(self, said: Report) -> asyncio.Future[Verdict]:
        """The verdict to come, of a check-in that is admitted."""
        if self._closed:
            raise self._closed
        self._audit.require()
        if len(self._queue) >= QUEUE_LIMIT:
            raise Busy(f"{len(self._queue)} check-ins are waiting already", "send it again later")
        answer: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        self._queue.append((said, answer))
        self._wake.set()
        return answer

    @property
    def waiting(self) -> int:
        """Check-ins that wait for the writer."""
        return len(self._queue)

    async def run(self) -> None:
        """Commit batch after batch until closed and empty."""
        while self._queue or not self._closed:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                size = min(len(self._queue), BATCH_LIMIT)
                await self._write([self._queue.popleft() for _ in range(size)])
                while len(self._answering) > AHEAD or (self._answering and not self._queue
                                                       and self._answering[0].done()):  # fmt: skip
                    await self._answering.popleft()
        await asyncio.gather(*self._answering)
        await self._give_back()

    def close(self, reason: HouseError) -> None:
        """Take no more; what is queued is still committed."""
        self._closed = self._closed or reason
        self._wake.set()

    async def _write(self, waiting: list[tuple[Report, asyncio.Future[Verdict]]]) -> None:
        reports = [said for said, _ in waiting]
        outcomes: list[Outcome]
        try:
            outcomes = await self._commit_or_split(reports)
        except Unreachable as error:
            outcomes = [error] * len(waiting)
        told, self._told = self._told, []
        self._answering.append(asyncio.create_task(_answer(waiting, outcomes, told)))

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
        batch = Batch(reports, self._thresholds, frozenset(self._unsure), self._memory)
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
            await self._give_back()
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

    async def _give_back(self) -> None:
        conn, self._conn = self._conn, None
        if conn is not None:
            await self._pool.putconn(conn)

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


async def _answer(
    waiting: list[tuple[Report, asyncio.Future[Verdict]]],
    outcomes: list[Outcome],
    told: list[Awaitable[None]],
) -> None:
    """Answer when the lines are on disk, too; the next batch is being committed meanwhile."""
    try:
        for each in told:
            await each
    except Unreachable as error:
        outcomes = [error if isinstance(out, Verdict) else out for out in outcomes]
    for (_, answer), outcome in zip(waiting, outcomes, strict=True):
        if answer.done():
            continue  # the caller hung up; the row stands
        if isinstance(outcome, Verdict):
            answer.set_result(outcome)
        else:
            answer.set_exception(outcome)


async def _all(conn: Connection, query: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    return await (await conn.execute(SQL[query], values)).fetchall()


def _misplaced(error: Exception) -> bool:
    """Whether a row has no month: Postgres names no constraint then. Not the row's fault."""
    return isinstance(error, CheckViolation) and error.diag.constraint_name is None
