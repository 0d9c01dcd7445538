"""The tasks of the process soulfra."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from apps.postgres import Connection, Pool, alone
from apps.soulfra import drift
from apps.soulfra.cache.cache import Cache
from apps.soulfra.cache.drifting import TELL_SECONDS, tell
from apps.soulfra.changes import AT_ONCE, POLL_SECONDS, follow_changes
from apps.soulfra.kept import Task
from apps.soulfra.log import PAGE
from apps.soulfra.log import SQL as LOG
from apps.soulfra.settings import Settings
from apps.soulfra.shards.router import Router
from apps.soulfra.tree.archive import archive
from apps.soulfra.tree.keep import Keeper
from schemas.soulfra.documents import ARCHIVE_SECONDS, SNAPSHOT_SECONDS

DRIFT_SECONDS: Final = 0.2
AWAY_SECONDS: Final = 5.0
STATEMENT_MS: Final = 60_000
FORGET_SECONDS: Final = 3_600.0
MOST: Final = 5_000
"""Commands that are forgotten at once."""


async def count_drift(conn: Connection) -> bool:
    """Whether there is more."""
    return await drift.counted(conn) == PAGE


async def change(conn: Connection) -> bool:
    """The same of transformations."""
    return await follow_changes(conn) >= AT_ONCE


def upkeep(told: Settings, cache: Cache, router: Router) -> list[Task]:
    """What is kept up beside the answers."""

    async def tell_drift() -> bool:
        await tell(router, cache)
        return False

    async def forget_commands(conn: Connection) -> bool:
        row = await (await conn.execute(LOG["forget_commands"], {"most": MOST})).fetchone()
        return row == (MOST,)

    return [
        *_follow("transformations", router, change, POLL_SECONDS),
        *_follow("drift", router, count_drift, DRIFT_SECONDS),
        *_follow("old commands", router, forget_commands, FORGET_SECONDS),
        Task("drift in redis", tell_drift, TELL_SECONDS),
        *_of_files(told, told.data_dir),
    ]


def _follow(
    name: str, router: Router, take: Callable[[Connection], Awaitable[bool]], seconds: float
) -> list[Task]:
    """Home's log, and the shards' beside it: home does not wait for a shard that is away."""

    async def one(store: Pool) -> bool:
        async with store.connection(AWAY_SECONDS) as conn:
            return await take(conn)

    async def at_home() -> bool:
        return await one(router.home.pool)

    async def of_shards() -> bool:
        stores = (shard.pool for shard in router.others)
        found = await asyncio.gather(*map(one, stores), return_exceptions=True)
        for each in found:
            if isinstance(each, BaseException):
                raise each
        return True in found

    return [Task(name, at_home, seconds), Task(f"{name} of shards", of_shards, seconds)]


def _of_files(told: Settings, root: Path) -> list[Task]:
    """What is done in a thread, on a connection of its own."""
    keeper = Keeper(root)

    def keep() -> None:
        with alone(told.postgres, STATEMENT_MS) as conn:
            keeper.round(conn)

    def put_away() -> None:
        with alone(told.postgres, STATEMENT_MS) as conn:
            archive(conn, root)

    async def snapshot() -> bool:
        await asyncio.to_thread(keep)
        return False

    async def archived() -> bool:
        await asyncio.to_thread(put_away)
        return False

    return [
        Task("documents", snapshot, SNAPSHOT_SECONDS),
        Task("archive", archived, ARCHIVE_SECONDS),
    ]
