"""What is done after a person's key is destroyed: every place that says more is made to forget.

The event, the key and all of Postgres are one transaction. What lies elsewhere comes after it,
place by place; each is noted when it is done, so whoever is killed between them goes on from there.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from apps.postgres import Connection, Pool, apart
from apps.soulfra.privacy.seals import SQL
from apps.soulfra.upcast import led
from schemas.errors import Diverged, HouseError, Unreachable

log = logging.getLogger("soulfra")
EVERY_SECONDS: Final = 5.0
"""How often is looked for whom another process was asked to forget."""
CONNECT_SECONDS: Final = 5.0
VACUUM_MS: Final = 600_000
"""Writing the table of keys anew may take so long: two seconds for each million persons."""
REST: Final = 20
"""So many times as long as nobody could ask for a key, everybody can, before it is done again."""


@dataclass(frozen=True, slots=True)
class Entities:
    """Whom to forget, and what is theirs."""

    user_id: UUID
    agents: tuple[str, ...]
    loops: tuple[str, ...]
    prophecies: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Touched:
    """What was done in one place: ``agents/ID/memory.sqlite``, 1, ``removed``."""

    place: str
    count: int
    how: str


Elsewhere = Callable[[Entities], Awaitable[Sequence[Touched]]]
"""Removes or rewrites what a store says of these; given again, it finds nothing and is content."""


class Forgetting:
    """Of one process: ``elsewhere`` are the stores beside Postgres, by their name."""

    def __init__(self, pool: Pool, elsewhere: Mapping[str, Elsewhere]) -> None:
        self._pool = pool
        self._elsewhere = elsewhere
        self._asked = asyncio.Event()
        self.failed = 0
        """Sweeps that left somebody to be finished by a later one."""
        self.rests_until = 0.0

    def hurry(self) -> None:
        """Somebody was just forgotten."""
        self._asked.set()

    async def keep_on(self) -> None:
        """Until cancelled: whoever is forgotten, by whatever process, is forgotten everywhere."""
        while True:
            self._asked.clear()
            await self.sweep()
            try:
                async with asyncio.timeout(EVERY_SECONDS):
                    await self._asked.wait()
            except TimeoutError:
                continue

    async def sweep(self) -> int:
        """Finish whoever is not finished; gives how many were. What fails is tried again later."""
        done = 0
        try:
            async with self._pool.connection(CONNECT_SECONDS) as conn:
                rows = await (await conn.execute(SQL["unfinished"])).fetchall()
                gone = [
                    user_id
                    for user_id, report in rows
                    if await self._is_gone(conn, user_id, report)
                ]
                if gone and time.monotonic() >= self.rests_until:
                    await self._vacuum()
                    await conn.execute(SQL["finish"], {"users": gone})
                    done = len(gone)
                    log.info("forgetting: %s: forgotten everywhere", ", ".join(map(str, gone)))
        except (psycopg.Error, TimeoutError) as error:
            self._later(error)
        return done

    async def _is_gone(self, conn: Connection, user_id: UUID, report: dict[str, Any]) -> bool:
        """Whether no store says anything of them; the next one need not wait for it."""
        try:
            await self._everywhere(conn, user_id, report)
        except HouseError as error:
            self._later(error)
            return False
        return True

    async def _vacuum(self) -> None:
        """For all who are gone at once: the rows that had their keys leave the table's file."""
        began = time.monotonic()
        async with apart(self._pool, VACUUM_MS) as conn:
            await conn.execute(SQL["vacuum"])
        now = time.monotonic()
        self.rests_until = now + REST * (now - began)

    def _later(self, error: Exception) -> None:
        self.failed += 1
        log.warning("forgetting: %s: tried again later: %s", type(error).__name__, error)

    async def _everywhere(self, conn: Connection, user_id: UUID, report: dict[str, Any]) -> None:
        asked = {"user_id": user_id}
        row = await (await conn.execute(led(SQL["entities"]), asked)).fetchone()
        agents, loops, prophecies = row or ((), (), ())
        of = Entities(user_id, tuple(agents), tuple(loops), tuple(prophecies))
        stores: dict[str, Elsewhere] = {
            "postgres": lambda _: _in_postgres(conn, user_id),
            **self._elsewhere,
        }
        failed: list[str] = []
        for name, forget in stores.items():
            if name in report:
                continue
            try:
                done = [asdict(each) for each in await forget(of)]
            except (HouseError, OSError, TimeoutError) as error:
                # The others need not wait for it.
                failed.append(f"{name}: {error}")
                continue
            await conn.execute(SQL["noted"], {**asked, "done": Jsonb({name: done})})
        if failed:
            raise Unreachable("; ".join(failed))


async def forgotten(conn: Connection, user_id: UUID) -> dict[str, Any] | None:
    """When a person was forgotten, when everywhere, and what was done in each place."""
    row = await (await conn.execute(SQL["forgotten"], {"user_id": user_id})).fetchone()
    if row is None:
        return None
    return {
        "user_id": user_id,
        "forgotten_at": row[0],
        "finished_at": row[1],
        "places": [{"store": name, **each} for name, places in row[2].items() for each in places],
    }


async def _in_postgres(conn: Connection, user_id: UUID) -> Sequence[Touched]:
    cursor = await conn.execute(led(SQL["touched"]), {"user_id": user_id})
    found = await cursor.fetchall()
    left = [place for place, _, _, remaining in found if remaining]
    if left:
        raise Diverged(
            f"user {user_id}: {', '.join(left)}: still says something",
            "abode soulfra rebuild --mend",
        )
    return [Touched(place, count, how) for place, count, how, _ in found]
