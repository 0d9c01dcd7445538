"""What has to be done to the database every hour, though nobody asks for it."""

import asyncio
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg.errors import LockNotAvailable, UndefinedTable

from apps.archive import archive, verify
from apps.governance.locks import Locks
from apps.postgres import PostgresSettings, alone
from apps.queries import load
from schemas.errors import HouseError

log = logging.getLogger("governance")
SQL = load(Path(__file__).with_name("queries.sql"))
TOKENS = load(Path(__file__).with_name("tokens.sql"))
EVERY_SECONDS = 3_600.0
LOOK_SECONDS = 5.0
LOCK_SECONDS = 1_800
"""Longer than it ever took; who is slower shares the work with the next."""
STATEMENT_TIMEOUT_MS = 600_000
"""A month may be large."""
SWEEP_LIMIT = 10_000
"""Sessions per statement."""


class Maintenance:
    """Months ahead and past their time, their archives, and sessions that are over.

    Runs in a thread, on a connection of its own: nothing that is asked of us waits for it. Killed
    anywhere, the next run goes on: a month is dropped only when its whole archive is on the disk.
    """

    def __init__(
        self, postgres: PostgresSettings, archives: Path, locks: Locks | None = None
    ) -> None:
        self._postgres = postgres
        self._archives = archives
        self._locks = locks
        self._ran: float | None = None
        self._conn: psycopg.Connection[Any] | None = None
        self._closed = False
        self.archived = 0
        """Months that were archived and dropped since the start."""
        self.trouble: str | None = None
        """What hindered the last run."""
        self.moving: str | None = None
        """What is on its way from a default partition to its month, while it is."""

    async def watch(self) -> None:
        """Run at once and then every hour, until cancelled; of two processes one at a time."""
        while True:
            if self._ran is None or time.monotonic() - self._ran > EVERY_SECONDS:
                await self._run_alone()
            await asyncio.sleep(LOOK_SECONDS)

    async def _run_alone(self) -> None:
        """Leave it to whoever has the lock; two at once would only wait for each other."""
        if self._locks is None:
            await self.run()
            return
        async with self._locks.held("maintenance", LOCK_SECONDS) as mine:
            if mine:
                await self.run()
            else:
                self._ran = time.monotonic()

    async def run(self) -> None:
        """Do it now. What hinders it is logged, and shown by /health until the next run."""
        self._ran = time.monotonic()
        self.trouble = await asyncio.to_thread(self._upkeep)
        if self.trouble and not self._closed:
            log.warning("maintenance: %s", self.trouble)

    def close(self) -> None:
        """Stop soon: what is half done is done again by the next process."""
        self._closed = True
        if self._conn is not None:
            self._conn.cancel()

    def _upkeep(self) -> str | None:
        doing = "connecting"
        try:
            with self._connection() as conn:
                doing = "making months"
                self._make_months(conn)
                doing = "sweeping sessions"
                swept = SWEEP_LIMIT
                while swept == SWEEP_LIMIT:
                    swept = conn.execute(SQL["sweep_sessions"], {"limit": SWEEP_LIMIT}).rowcount
                doing = "sweeping tokens"
                conn.execute(TOKENS["sweep_tokens"], {"limit": SWEEP_LIMIT})
                doing = "archiving"
                return self._archive(conn)
        except psycopg.Error as error:
            return f"{doing}: {type(error).__name__}"

    def _make_months(self, conn: psycopg.Connection[Any]) -> None:
        """Also those of rows that have none: they move, which may take a while."""
        strays = conn.execute(SQL["strays"]).fetchone()
        if strays and strays[0]:
            self.moving = f"{strays[0]} rows or more are being moved into their months"
            log.info("maintenance: %s", self.moving)
        try:
            conn.execute(SQL["maintain_partitions"])
        finally:
            self.moving = None

    def _archive(self, conn: psycopg.Connection[Any]) -> str | None:
        """Archive and drop what was retired; gives the first thing that hindered it."""
        trouble: str | None = None
        for part, *bounds in conn.execute(SQL["retired"]).fetchall():
            if self._closed:
                break
            try:
                kept = verify(self._archives, part) or archive(
                    conn, f"retired.{part}", self._archives, part, bounds=(bounds[0], bounds[1])
                )
                gone = {"part": part, "rows": kept.rows, "sha256": bytes.fromhex(kept.sha256)}
                conn.execute(SQL["drop_retired"], gone)
            except (HouseError, UndefinedTable) as error:
                # Another process may have done it meanwhile.
                if part in {row[0] for row in conn.execute(SQL["retired"])}:
                    trouble = trouble or getattr(error, "message", type(error).__name__)
            except LockNotAvailable:
                log.info("retired.%s: somebody reads it; it goes next time", part)
            else:
                self.archived += 1
                log.info("%s/%s.csv.gz: %d rows; dropped", self._archives, part, kept.rows)
        return trouble

    @contextmanager
    def _connection(self) -> Iterator[psycopg.Connection[Any]]:
        """A connection that ``close`` can interrupt."""
        with alone(self._postgres, STATEMENT_TIMEOUT_MS) as conn:
            conn.add_notice_handler(lambda said: log.warning("postgres: %s", said.message_primary))
            self._conn = conn
            try:
                yield conn
            finally:
                self._conn = None
