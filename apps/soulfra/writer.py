"""Commands in; events, what follows from them and answers in one transaction for all that wait."""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import psycopg
from psycopg.errors import (
    CheckViolation,
    DataError,
    DeadlockDetected,
    IntegrityError,
    LockNotAvailable,
    SerializationFailure,
    UniqueViolation,
)

from apps.postgres import Connection, Pool, is_gone, renew
from apps.queries import load
from apps.soulfra.batch import Batch, Outcome, decided
from apps.soulfra.given import Done, Given
from apps.soulfra.group_commit import GroupCommit
from apps.soulfra.known import Known
from apps.soulfra.message import Statement, commit
from apps.soulfra.numbers import Ahead
from apps.soulfra.privacy.keys import House
from apps.soulfra.privacy.seals import Seals, kept, seals
from apps.soulfra.projections import of_this
from apps.soulfra.shards.elsewhere import elsewhere
from apps.soulfra.state import asked_for
from schemas.errors import Diverged, HouseError, Refused, Unreachable
from schemas.soulfra.commands import Asked, CastVote, Prophesy

log = logging.getLogger("soulfra")
SQL: Final = load(Path(__file__).with_name("log.sql"))
STANDING: Final = load(Path(__file__).with_name("state.sql"))["standing"]

TRIES: Final = 8
COMMIT_SECONDS: Final = 8.0
RECONNECT_SECONDS: Final = 3.0
AGAIN_SECONDS: Final = 0.05
LOST: Final = (psycopg.OperationalError, psycopg.InterfaceError, TimeoutError)
FASTER: Final = (SerializationFailure, UniqueViolation, DeadlockDetected, LockNotAvailable)
"""Somebody else's transaction came first: look again, decide again."""
Told = Callable[[Sequence[Mapping[str, Any]]], Awaitable[None]]
"""Hears of the events of each commit before its commands are answered. It does not fail."""


class Writer:
    """One of a process. Its answers are durable when they are given."""

    def __init__(self, pool: Pool, house: House, told: Told | None = None) -> None:
        self._pool = pool
        self._house = house
        self._told = told
        self._numbers = Ahead()
        self._known = Known(Seals(house))
        self._group: GroupCommit[Given, Done] = GroupCommit(self._write)
        self._is_doubtful = False
        self.again = 0
        """Batches that were decided anew because another process was faster."""

    async def give(self, body: Asked, command_id: UUID | None = None, by: str = "") -> Done:
        """Have a command done; raises what it is refused for.

        Given again with the same id, it is not done again and its first answer is given.
        """
        return await self._group.put(Given(command_id or uuid4(), body, by, self._house.pepper))

    def doubt(self) -> None:
        """What it knows may be wrong: all is looked at again."""
        self._is_doubtful = True

    async def close(self) -> None:
        """Once all that waits is done."""
        await self._group.close()

    async def _write(self, given: Sequence[Given], *, looks: bool = False) -> list[Outcome]:
        """All in one transaction; if one of them spoils it, each for itself."""
        outcomes: list[Outcome] | None = None
        broke: float | None = None
        for _ in range(TRIES):
            try:
                outcomes = await self._commit(given, looks=looks)
            except FASTER:
                self.again += 1
                await asyncio.sleep(random.uniform(0, AGAIN_SECONDS))  # noqa: S311  # no secret
            except (DataError, IntegrityError) as error:
                if _is_month(error):
                    await self.make_months()
                elif len(given) > 1:
                    return await self._alone(given)
                else:
                    return [_refused(given[0], error)]
            except LOST as error:
                # It may be committed: given again with its id, a command is not done twice.
                broke = broke or time.monotonic()
                if not is_gone(error) or time.monotonic() - broke > RECONNECT_SECONDS:
                    break
                await renew(self._pool, RECONNECT_SECONDS)
                await asyncio.sleep(AGAIN_SECONDS)
            if outcomes is not None:
                return outcomes
            looks = True
        if not broke and len(given) > 1:
            return await self._alone(given)
        why = "does not answer" if broke else f"others were faster {TRIES} times"
        return [
            # It may have been done: only with its id it is not done again.
            Unreachable(f"postgres: {why}", f"give it again with the id {each.command_id}")
            for each in given
        ]

    async def _alone(self, given: Sequence[Given]) -> list[Outcome]:
        return [outcome for one in given for outcome in await self._write([one], looks=True)]

    async def _commit(self, given: Sequence[Given], *, looks: bool) -> list[Outcome]:
        """``looks``: at everything, whatever is known of it."""
        if self._is_doubtful:
            self._is_doubtful = False
            self._known.forget()
        sure: list[Given] = []
        unsure: list[Given] = []
        for each in given:
            (unsure if looks or not self._known.has(each.body) else sure).append(each)
        async with (
            asyncio.timeout(COMMIT_SECONDS),
            self._pool.connection(RECONNECT_SECONDS) as conn,
        ):
            if unsure:
                await self._look(conn, unsure)
            try:
                based_on = self._known.based_on(
                    (each.body for each in sure), (each.body for each in unsure)
                )
                state = self._known.state
                batch = decided(given, state, self._numbers)
                if batch.events:
                    await _write(conn, batch, based_on, state.seals)
            except BaseException:
                self._known.forget()
                raise
        self._known.settle()
        if batch.events and self._told is not None:
            await self._told(batch.events)
        return await self._looked_at(given, batch.outcomes, {id(each) for each in sure})

    async def _looked_at(
        self, given: Sequence[Given], outcomes: list[Outcome], sure: Collection[int]
    ) -> list[Outcome]:
        """What was refused for what was known only is decided once more, with a look."""
        doubtful = [
            n
            for n, (each, outcome) in enumerate(zip(given, outcomes, strict=True))
            if isinstance(outcome, HouseError) and id(each) in sure
        ]
        if doubtful:
            anew = await self._write([given[n] for n in doubtful], looks=True)
            for n, outcome in zip(doubtful, anew, strict=True):
                outcomes[n] = outcome
        return outcomes

    async def _look(self, conn: Connection, given: Sequence[Given]) -> None:
        """Before the transaction that writes: what it is based on must be older than its number."""
        bodies = [each.body for each in given]
        await self._numbers.fill(
            conn,
            blessings=sum(isinstance(body, CastVote) for body in bodies),
            prophecies=sum(isinstance(body, Prophesy) for body in bodies),
        )
        wanted = asked_for(bodies, (each.command_id for each in given))
        cursor = await conn.execute(STANDING, wanted)
        row = await cursor.fetchone()
        if row is None:
            raise Diverged("standing: no answer")
        # After how things stand: who is forgotten by then is known, or their life went on.
        self._known.learn(row[0], await seals(conn, self._house, bodies, wanted))

    async def make_months(self) -> None:
        """Have the months of loops ahead; what cannot be made now is made when it is missed."""
        try:
            async with self._pool.connection(RECONNECT_SECONDS) as conn:
                await conn.execute(SQL["create_loop_months"])
        except (psycopg.Error, TimeoutError) as error:
            log.warning("postgres: %s while making months", type(error).__name__)


async def _write(conn: Connection, batch: Batch, based_on: Mapping[str, int], made: Seals) -> None:
    others = {stream: n for stream, n in based_on.items() if stream not in batch.written}
    statements: list[Statement] = [
        (SQL["append"], (batch.events, others)),
        *kept(made),
        *((text, ()) for text in of_this(batch.types)),
        (SQL["done"], (batch.commands,)),
    ]
    await commit(conn, statements)


def _refused(given: Given, error: psycopg.Error) -> Outcome:
    if moved := elsewhere(error):
        return moved
    name = error.diag.constraint_name
    return Refused(f"{given.body.name}: the database refused it{f': {name}' * bool(name)}")


def _is_month(error: psycopg.Error) -> bool:
    """Whether the month of a loop is not made yet."""
    said = error.diag.message_primary or ""
    return isinstance(error, CheckViolation) and "no partition of relation" in said
