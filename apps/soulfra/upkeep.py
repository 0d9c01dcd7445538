"""The tasks of the process soulfra."""

import asyncio
from pathlib import Path
from typing import Final

from apps.postgres import Pool, alone
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

DRIFT_SECONDS: Final = 0.5
STATEMENT_MS: Final = 60_000
FORGET_SECONDS: Final = 3_600.0
MOST: Final = 5_000
"""Commands that are forgotten at once."""


def upkeep(pool: Pool, told: Settings, cache: Cache, router: Router) -> list[Task]:
    """What is kept up beside the answers."""

    async def count_drift() -> bool:
        async with pool.connection() as conn:
            return await drift.counted(conn) == PAGE

    async def tell_drift() -> bool:
        await tell(pool, cache)
        return False

    async def change() -> bool:
        more = False
        for each in router.pools:
            async with each.connection() as conn:
                more |= await follow_changes(conn) >= AT_ONCE
        return more

    async def forget_commands() -> bool:
        more = False
        for each in router.pools:
            async with each.connection() as conn:
                row = await (await conn.execute(LOG["forget_commands"], {"most": MOST})).fetchone()
                more |= row == (MOST,)
        return more

    return [
        Task("transformations", change, POLL_SECONDS),
        Task("old commands", forget_commands, FORGET_SECONDS),
        Task("drift", count_drift, DRIFT_SECONDS),
        Task("drift in redis", tell_drift, TELL_SECONDS),
        *_of_files(told, told.data_dir),
    ]


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
