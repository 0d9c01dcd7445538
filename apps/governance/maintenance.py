"""What has to be done to the database every hour, though nobody asks for it."""

import logging
import time
from pathlib import Path

import psycopg

from apps.postgres import Pool
from apps.queries import load

log = logging.getLogger("governance")
SQL = load(Path(__file__).with_name("queries.sql"))
EVERY_SECONDS = 3_600.0
WAIT_SECONDS = 3.0
SWEEP_LIMIT = 10_000
"""Sessions per statement."""


class Maintenance:
    """The months ahead of audit.events, and core.sessions without those that are over."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._ran: float | None = None
        self.trouble: str | None = None
        """What hindered the last run."""

    @property
    def is_due(self) -> bool:
        """Whether the last run is an hour ago."""
        return self._ran is None or time.monotonic() - self._ran > EVERY_SECONDS

    async def run(self) -> None:
        """Do it now. What hinders it is logged, and shown by /health until the next run."""
        self._ran = time.monotonic()
        doing = "making months"
        try:
            async with self._pool.connection(WAIT_SECONDS) as conn:
                await conn.execute(SQL["maintain_partitions"])
                doing = "sweeping sessions"
                limit, swept = {"limit": SWEEP_LIMIT}, SWEEP_LIMIT
                while swept == SWEEP_LIMIT:
                    swept = (await conn.execute(SQL["sweep_sessions"], limit)).rowcount
            self.trouble = None
        except psycopg.Error as error:
            self.trouble = f"{doing}: {type(error).__name__}"
            log.warning("postgres: %s", self.trouble)
