"""The tasks of the process soulfra."""

from typing import Final

from apps.postgres import Pool
from apps.soulfra import drift
from apps.soulfra.kept import Task
from apps.soulfra.log import PAGE
from apps.soulfra.settings import Settings

DRIFT_SECONDS: Final = 0.5


def upkeep(pool: Pool, told: Settings) -> list[Task]:
    """What is kept up beside the answers."""

    async def count_drift() -> bool:
        async with pool.connection() as conn:
            return await drift.counted(conn) == PAGE

    return [Task("drift", count_drift, DRIFT_SECONDS)]
