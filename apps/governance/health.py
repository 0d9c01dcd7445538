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
from apps.governance.maintenance import Maintenance
from apps.governance.sessions import Sessions
from apps.migrate.lines import require
from apps.postgres import Connection, Pool, is_gone, renew
from apps.queries import load
from schemas.errors import Diverged
from schemas.governance.tables import TABLES

log = logging.getLogger("governance")
SQL = load(Path(__file__).with_name("queries.sql"))
PROBE_EVERY_SECONDS = 5.0
PROBE_SECONDS = 3.0
FRESH_SECONDS = 1.0


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
        *,
        maintenance: Maintenance,
        on_lost: Callable[[str], None],
    ) -> None:
        self._pool = pool
        self._audit = audit
        self._sessions = sessions
        self._checkins = checkins
        self._maintenance = maintenance
        self._on_lost = on_lost
        self._lock = asyncio.Lock()
        self._seen: tuple[float, dict[str, Any]] | None = None
        self._gone = False
        self._started = time.monotonic()

    async def look(self) -> dict[str, Any]:
        """What /health says."""
        async with self._lock:
            now = time.monotonic()
            if self._seen is None or now - self._seen[0] > FRESH_SECONDS:
                self._seen = (time.monotonic(), await self._probe())
            return self._seen[1]

    async def watch(self) -> None:
        """Probe Postgres until cancelled; if it is gone twice running, the process ends."""
        failed = 0
        while True:
            await asyncio.sleep(PROBE_EVERY_SECONDS)
            await self.look()
            failed = failed + 1 if self._gone else 0
            if failed == 2:
                self._on_lost("two probes in a row got no answer")

    async def _ask(self) -> tuple[list[str], str | None, float | None, list[tuple[Any, ...]]]:
        """Missing columns, what hinders writing, the last check-in's age, state of the months."""
        async with self._pool.connection(PROBE_SECONDS) as conn:
            if missing := await missing_columns(conn):
                return missing, None, None, []
            trouble = await _write_and_read(conn)
            age = (await _one(conn, "last_check_in_age_seconds"))[0]
            months = await (await conn.execute(SQL["partition_trouble"])).fetchall()
            return [], trouble, age, months

    async def _probe(self) -> dict[str, Any]:
        age: float | None = None
        months: list[tuple[Any, ...]] = []
        missing: list[str] = []
        trouble: str | None = None
        self._gone = False
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                try:
                    missing, trouble, age, months = await self._ask()
                except psycopg.OperationalError as error:
                    if not is_gone(error):
                        raise
                    # One connection broke; that is not yet the server.
                    await renew(self._pool, PROBE_SECONDS)
                    missing, trouble, age, months = await self._ask()
        except (psycopg.Error, TimeoutError) as error:
            self._gone = is_gone(error)
            trouble = "does not answer" if self._gone else type(error).__name__
        tables = f"missing: {', '.join(missing[:5])}" if missing else None
        redis = await self._sessions.check()
        file = await asyncio.to_thread(self._audit.check)
        said = "; ".join(trouble for trouble, _ in months if trouble)
        checks = {
            "postgres": _check(trouble, Standing.CRITICAL),
            "tables": _check(tables or (trouble if self._gone else None), Standing.CRITICAL),
            "check_ins": _check(self._checkins.trouble, Standing.CRITICAL),
            "redis": _check(redis, Standing.MODERATE),
            "audit_log": _check(file, Standing.MODERATE),
            "partitions": _check(said or self._maintenance.trouble, Standing.MODERATE),
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
            "months": {
                "archived": self._maintenance.archived,
                "waiting": sum(waiting or 0 for _, waiting in months),
            },
            "checks": checks,
        }


async def missing_columns(conn: Connection) -> list[str]:
    """Declared columns that the database does not have."""
    there = set(await (await conn.execute(SQL["columns"])).fetchall())
    wanted = [(model.table, name) for model in TABLES for name in model.model_fields]
    return [f"{table}.{name}" for table, name in wanted if (table, name) not in there]


async def require_schema(conn: Connection) -> None:
    """Refuse a database that is behind this release, or ahead of it, or changed by hand."""
    try:
        applied = [
            row[0] for row in await (await conn.execute(SQL["applied_migrations"])).fetchall()
        ]
    except psycopg.errors.UndefinedTable:
        applied = []
    require("governance", applied)
    if missing := await missing_columns(conn):
        raise Diverged(
            f"database governance: {len(missing)} declared columns are missing,"
            f" the first is {missing[0]}",
            "the ledger says they were made: abode migrate governance check",
        )


async def _write_and_read(conn: Connection) -> str | None:
    """Two commits: what one wrote, another reads. A server that only answers is not enough."""
    written = (await _one(conn, "write_probe"))[0]
    read = (await _one(conn, "read_probe"))[0]
    if written is None or read is None:
        return "core.probe has no row"
    return None if read >= written else "what was written cannot be read"


async def _one(conn: Connection, query: str) -> tuple[Any, ...]:
    row = await (await conn.execute(SQL[query])).fetchone()
    return row if row is not None else (None,)


def _check(trouble: str | None, weight: Standing) -> dict[str, str]:
    return {"status": weight, "detail": trouble} if trouble else {"status": Standing.OK}
