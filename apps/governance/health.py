"""The truth about governance: every check is a probe that could have failed."""

import asyncio
import shutil
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import psycopg

from apps.bridge.tool import Caller, Tool
from apps.governance import VERSION, probes
from apps.governance.audit import AuditLog
from apps.governance.board import Board, Finding, breakdown, first_action, overall
from apps.governance.checkins import Checkins
from apps.governance.maintenance import Maintenance
from apps.governance.numbers import Numbers
from apps.governance.probes import InThread, Seen, require_schema
from apps.governance.sessions import Sessions
from apps.governance.usage import ToolUsage
from apps.postgres import Pool, is_gone, renew
from schemas.bridge import CHECK_IN_EVERY_SECONDS
from schemas.governance.calls import Right
from schemas.governance.calls.health import (
    Ages,
    Disk,
    Dropped,
    HealthCheck,
    HealthReply,
    Lookups,
    Months,
    Overall,
    PoolUse,
    State,
)
from schemas.governance.tables import AgentState

__all__ = ["Health", "require_schema"]

PROBE_EVERY_SECONDS = 5.0
PROBE_SECONDS = 3.0
FRESH_SECONDS = 1.0
LOOK_SECONDS = 4.0
"""Nobody who asks waits longer."""
STALE_SECONDS = 30.0
"""A process whose last probe is older does not live."""
SILENT_SECONDS: Final = AgentState.fresh_seconds or 5 * CHECK_IN_EVERY_SECONDS
BEHIND_SECONDS = 120.0
"""How far the trails may be behind what they tell of."""
LOW_BYTES, EMPTY_BYTES = 1 << 30, 64 << 20


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
        numbers: Numbers | None = None,
        usage: ToolUsage | None = None,
        also: Mapping[str, Callable[[], str | None]] | None = None,
    ) -> None:
        """``also``: component to what hinders it, of rooms that work by themselves."""
        self._usage_log = usage
        self._pool = pool
        self._audit = audit
        self._sessions = sessions
        self._checkins = checkins
        self._maintenance = maintenance
        self._on_lost = on_lost
        self._numbers = numbers or Numbers()
        self._board = Board()
        self._file = InThread(audit.check)
        self._disk = InThread(lambda: _disk(audit.path.parent))
        self._running: asyncio.Task[HealthReply] | None = None
        self._last: tuple[float, HealthReply] | None = None
        self._gone = False
        self._also = also or {}
        self._started = time.monotonic()

    async def look(self) -> HealthReply:
        """What the last probe found if it is fresh, else a new one's. It never waits for long."""
        now = time.monotonic()
        if self._last and now - self._last[0] <= FRESH_SECONDS:
            return self._last[1]
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._probe())
        done, _ = await asyncio.wait({self._running}, timeout=LOOK_SECONDS)
        return self._running.result() if done else self._stuck()

    async def watch(self) -> None:
        """Probe until cancelled; if Postgres is gone twice running, the process ends."""
        failed = 0
        while True:
            await asyncio.sleep(PROBE_EVERY_SECONDS)
            await self.look()
            failed = failed + 1 if self._gone else 0
            if failed == 2:
                self._on_lost("two probes in a row got no answer")

    @property
    def last(self) -> HealthReply | None:
        """What the last probe found, whenever that was."""
        return self._last[1] if self._last else None

    @property
    def age(self) -> float:
        """Seconds since a probe was finished, or since the start before the first."""
        return time.monotonic() - (self._last[0] if self._last else self._started)

    @property
    def is_alive(self) -> bool:
        """Whether probes still come to an end: apart from what they find."""
        return self.age < STALE_SECONDS

    async def is_ready(self) -> bool:
        """Whether a check-in sent now would be stored."""
        return (await self.look()).status is not Overall.CRITICAL

    def tools(self) -> tuple[Tool, ...]:
        """``health_check``."""

        async def health_check(caller: Caller, _: HealthCheck) -> HealthReply:
            seen = await self.look()
            return seen.model_copy(update={"resolved_agent_id": caller.agent})

        return (
            Tool(
                "health_check",
                "How governance stands: each component by a probe that writes and reads back.",
                HealthCheck, HealthReply, Right.READ, health_check,
            ),
        )  # fmt: skip

    async def _probe(self) -> HealthReply:
        (seen, store), redis, file, disk = await asyncio.gather(
            self._postgres(),
            self._redis(),
            self._file.ask(PROBE_SECONDS, f"{self._audit.path}: does not answer"),
            self._disk.ask(PROBE_SECONDS, None),
        )
        found = {
            "postgres": Finding(store or seen.store, State.ERROR),
            "tables": Finding(_missing(seen) or (store if self._gone else None), State.ERROR),
            "schema": _schema(seen),
            "graph": Finding(seen.graph, State.ERROR),
            "check_ins": Finding(self._checkins.trouble, State.ERROR),
            "agents": Finding(_silence(seen)),
            "redis": Finding(redis, State.UNAVAILABLE),
            "audit_log": Finding(file, State.ERROR),
            "audit_events": Finding(self._trail(seen)),
            "tool_usage": Finding(self._usage(seen)),
            "partitions": Finding(self._months(seen)),
            **{name: Finding(trouble()) for name, trouble in self._also.items()},
            "pool": self._use()[1],
            "disk": _room(disk),
        }
        said = self._said(found, seen, disk)
        self._last = (time.monotonic(), said)
        return said

    def _said(self, found: dict[str, Finding], seen: Seen, disk: Disk | None) -> HealthReply:
        checks = self._board.write(found)
        silent = [agent for agent, age in seen.steady if age > SILENT_SECONDS]
        each = CHECK_IN_EVERY_SECONDS
        return HealthReply(
            status=overall(checks.values()),
            version=VERSION,
            timestamp=datetime.now(UTC),
            uptime_seconds=round(time.monotonic() - self._started, 1),
            status_breakdown=breakdown(checks.values()),
            checks=checks,
            first_action=first_action(checks),
            ages=Ages(
                check_in_seconds=_span(seen.check_in),
                audit_event_seconds=_span(seen.audit_event),
                tool_usage_seconds=_span(seen.tool_usage),
                steady_agents=len(seen.steady),
                expected_every_seconds=each / len(seen.steady) if seen.steady else None,
                silent_agents=tuple(silent[:20]),
                lag_seconds=self._lag(),
                lag_lines=self._audit.lag_lines,
            ),
            waiting_checkins=self._checkins.waiting,
            pool=self._use()[0],
            disk=disk,
            months=Months(
                ahead=seen.ahead,
                default_rows=seen.strays,
                waiting=seen.waiting,
                archived=self._maintenance.archived,
            ),
            dropped=Dropped(
                audit_lines=self._audit.dropped,
                usage_lines=self._usage_log.scribe.dropped if self._usage_log else 0,
                sessions=self._sessions.dropped,
            ),
            session_lookups=Lookups(
                hits=self._sessions.hits,
                misses=self._sessions.misses,
                fallback=self._sessions.fallback,
            ),
            schema_revision=seen.revision,
            release_revision=probes.release(),
        )

    def _stuck(self) -> HealthReply:
        """The last answer, with the news that there is no newer one."""
        found = {"probe": Finding(f"none was finished for {self.age:.0f} s", State.ERROR)}
        said = self.last or self._said(found, Seen(), None)
        checks = {**said.checks, **self._board.write(found)}
        return said.model_copy(
            update={
                "checks": checks,
                "status": overall(checks.values()),
                "status_breakdown": breakdown(checks.values()),
                "first_action": first_action(checks),
            }
        )

    async def _postgres(self) -> tuple[Seen, str | None]:
        """What was seen, and what hindered looking."""
        self._gone = False
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                try:
                    return await self._ask(), None
                except psycopg.OperationalError as error:
                    if not is_gone(error):
                        raise
                    # One connection broke; that is not yet the server.
                    await renew(self._pool, PROBE_SECONDS)
                    return await self._ask(), None
        except (psycopg.Error, TimeoutError) as error:
            self._gone = is_gone(error)
            return Seen(), "does not answer" if self._gone else type(error).__name__

    async def _ask(self) -> Seen:
        async with self._pool.connection(PROBE_SECONDS) as conn:
            return await probes.look(conn)

    async def _redis(self) -> str | None:
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                return await self._sessions.check()
        except TimeoutError:
            return "redis: does not answer"

    def _trail(self, seen: Seen) -> str | None:
        """Whether an event is missing of what was checked in since."""
        if self._audit.odd:
            return self._audit.odd
        lag = self._lag()
        if lag is not None and lag > BEHIND_SECONDS:
            return f"audit.events is {lag:.0f} s behind audit_log.jsonl"
        if lag is not None or seen.check_in is None:
            return None
        if seen.audit_event is None:
            return "there are check-ins and no event at all"
        behind = seen.audit_event - seen.check_in
        return (
            f"no event in the {behind:.0f} s before the last check-in"
            if (behind > BEHIND_SECONDS)
            else None
        )

    def _months(self, seen: Seen) -> str | None:
        """Rows that are on their way to their months are work, not a fault."""
        held = "tables of months are held: by an upkeep, or by hand" if seen.is_held else None
        return self._maintenance.moving or held or seen.months or self._maintenance.trouble

    def _usage(self, seen: Seen) -> str | None:
        """Whether a row is missing of the tools that this process was asked for."""
        since = self._numbers.since_tool
        if since is None or since < BEHIND_SECONDS:
            return None
        if seen.is_held:
            return None  # it could not be asked
        if seen.tool_usage is None or seen.tool_usage > since + BEHIND_SECONDS:
            return f"a tool was called {since:.0f} s ago and no row tells of it"
        return None

    def _lag(self) -> float | None:
        """How far the index is behind the file; None when nobody follows it."""
        return _span(self._audit.lag_seconds)

    def _use(self) -> tuple[PoolUse, Finding]:
        stats = self._pool.get_stats()
        use = PoolUse(
            size=stats.get("pool_size", 0),
            idle=stats.get("pool_available", 0),
            largest=stats.get("pool_max", self._pool.max_size),
            waiting=stats.get("requests_waiting", 0),
        )
        crowded = f"{use.waiting} requests wait for one of {use.largest} connections"
        return use, Finding(crowded if use.waiting >= use.largest else None)


def _missing(seen: Seen) -> str | None:
    return f"missing: {', '.join(seen.missing[:5])}" if seen.missing else None


def _schema(seen: Seen) -> Finding:
    if seen.behind:
        return Finding(seen.behind, State.ERROR)
    if seen.undeclared:
        return Finding(f"not declared: {', '.join(seen.undeclared[:5])}")
    return Finding()


def _silence(seen: Seen) -> str | None:
    silent = [(agent, age) for agent, age in seen.steady if age > SILENT_SECONDS]
    if not silent:
        return None
    agent, age = silent[0]
    more = f", and {len(silent) - 1} more are silent" if len(silent) > 1 else ""
    return (
        f"{agent}: no check-in for {age:.0f} s, one is expected every"
        f" {CHECK_IN_EVERY_SECONDS:.0f} s{more}"
    )


def _disk(folder: Path) -> Disk | None:
    try:
        seen = shutil.disk_usage(folder)
    except OSError:
        return None
    return Disk(free_bytes=seen.free, size_bytes=seen.total)


def _room(disk: Disk | None) -> Finding:
    if disk is None:
        return Finding("does not answer", State.ERROR)
    said = f"{disk.free_bytes / 2**20:.0f} MiB are free"
    if disk.free_bytes < EMPTY_BYTES:
        return Finding(said, State.ERROR)
    return Finding(said if disk.free_bytes < LOW_BYTES else None)


def _span(seconds: float | None) -> float | None:
    """Never below 0: a clock that was set back is no event of the future."""
    return None if seconds is None else round(max(0.0, seconds), 3)
