"""The truth about governance: every check is a probe that could have failed."""

import asyncio
import logging
import time
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Any

import psycopg

from apps.governance import VERSION
from apps.governance.audit import AuditLog
from apps.governance.checkins import Checkins
from apps.governance.sessions import Sessions
from apps.postgres import Connection, Pool, is_gone
from apps.queries import load
from schemas.errors import Diverged
from schemas.governance.tables import TABLES

log = logging.getLogger("governance")
SQL = load(Path(__file__).with_name("queries.sql"))
PROBE_EVERY_SECONDS = 5.0
PROBE_SECONDS = 3.0
FRESH_SECONDS = 1.0
MAINTAIN_EVERY_SECONDS = 3_600.0


class Standing(StrEnum):
    """One word for all checks."""

    OK = "ok"
    MODERATE = "moderate"
    CRITICAL = "critical"


class Health:
    """Probes on demand, at most once a second, and on its own every five."""

    def __init__(
        self,
        pool: Pool,
        audit: AuditLog,
        sessions: Sessions,
        checkins: Checkins,
        on_lost: Callable[[str], None],
    ) -> None:
        self._pool = pool
        self._audit = audit
        self._sessions = sessions
        self._checkins = checkins
        self._on_lost = on_lost
        self._lock = asyncio.Lock()
        self._seen: tuple[float, dict[str, Any]] | None = None
        self._maintained = -MAINTAIN_EVERY_SECONDS
        self._maintenance: str | None = None
        self._started = time.monotonic()

    async def look(self) -> dict[str, Any]:
        """What /health says."""
        async with self._lock:
            now = time.monotonic()
            if self._seen is None or now - self._seen[0] > FRESH_SECONDS:
                self._seen = (time.monotonic(), await self._probe())
            return self._seen[1]

    async def watch(self) -> None:
        """Probe Postgres until cancelled; two failures running end the process."""
        failed = 0
        while True:
            await asyncio.sleep(PROBE_EVERY_SECONDS)
            failed = (
                0 if (await self.look())["checks"]["postgres"]["status"] == "ok" else failed + 1
            )
            if failed == 2:
                self._on_lost("two probes in a row got no answer")
            if time.monotonic() - self._maintained > MAINTAIN_EVERY_SECONDS:
                await self.maintain()

    async def maintain(self) -> None:
        """Make the months ahead. What hinders it is said once and shown by /health."""
        self._maintained = time.monotonic()
        try:
            async with self._pool.connection(PROBE_SECONDS) as conn:
                await conn.execute(SQL["maintain_partitions"])
            self._maintenance = None
        except psycopg.Error as error:
            self._maintenance = type(error).__name__
            log.warning("audit.partition_maintenance: %s", type(error).__name__)

    async def _probe(self) -> dict[str, Any]:
        age: float | None = None
        stray = False
        missing: list[str] = []
        trouble: str | None = None
        try:
            async with asyncio.timeout(PROBE_SECONDS), self._pool.connection(PROBE_SECONDS) as conn:
                missing = await missing_columns(conn)
                if not missing:
                    age = (await _one(conn, "last_check_in_age_seconds"))[0]
                    stray = (await _one(conn, "stray_events"))[0]
        except (psycopg.Error, TimeoutError) as error:
            trouble = "does not answer" if is_gone(error) else type(error).__name__
        redis = await self._sessions.check()
        file = await asyncio.to_thread(self._audit.check)
        months = self._maintenance or ("rows fell outside every month" if stray else None)
        checks = {
            "postgres": _check(trouble, Standing.CRITICAL),
            "tables": _check(
                f"missing: {', '.join(missing[:5])}" if missing else trouble, Standing.CRITICAL
            ),
            "redis": _check(redis, Standing.MODERATE),
            "audit_log": _check(file, Standing.MODERATE),
            "partitions": _check(months, Standing.MODERATE),
        }
        worst = [check["status"] for check in checks.values()]
        status = next(
            (word for word in (Standing.CRITICAL, Standing.MODERATE) if word in worst), Standing.OK
        )
        return {
            "status": status,
            "version": VERSION,
            "uptime_seconds": round(time.monotonic() - self._started, 1),
            "last_check_in_age_seconds": age,
            "waiting_checkins": self._checkins.waiting,
            "dropped": {"audit_lines": self._audit.dropped, "sessions": self._sessions.dropped},
            "checks": checks,
        }


async def missing_columns(conn: Connection) -> list[str]:
    """Declared columns that the database does not have."""
    there = set(await (await conn.execute(SQL["columns"])).fetchall())
    wanted = [(model.table, name) for model in TABLES for name in model.model_fields]
    return [f"{table}.{name}" for table, name in wanted if (table, name) not in there]


async def require_columns(conn: Connection) -> None:
    """Refuse a database that is not migrated."""
    if missing := await missing_columns(conn):
        raise Diverged(
            f"database governance: {len(missing)} declared columns are missing,"
            f" the first is {missing[0]}",
            "apply the migrations of line governance: deploy again",
        )


async def _one(conn: Connection, query: str) -> tuple[Any, ...]:
    row = await (await conn.execute(SQL[query])).fetchone()
    return row if row is not None else (None,)


def _check(trouble: str | None, weight: Standing) -> dict[str, str]:
    return {"status": weight, "detail": trouble} if trouble else {"status": Standing.OK}
