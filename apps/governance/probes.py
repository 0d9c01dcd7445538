"""What /health asks of the stores: each writes and reads back, or could otherwise have failed.

A probe gives what hinders; nothing that it says holds a value of the environment or of a row.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

import psycopg

from apps.declared.everything import tables
from apps.migrate.lines import line, require
from apps.postgres import Connection
from apps.queries import load
from schemas.errors import Diverged
from schemas.governance.tables import TABLES

T = TypeVar("T")

SQL = load(Path(__file__).with_name("health.sql"))
AGENTS_LIMIT = 500
"""Agents that are looked at for silence."""


@dataclass(slots=True)
class Seen:
    """What one look into Postgres found; what comes after the first trouble was not looked at."""

    missing: list[str] = field(default_factory=list)
    """Declared columns that are not there."""
    undeclared: list[str] = field(default_factory=list)
    """Columns that are there and that nothing declares."""
    revision: str | None = None
    behind: str | None = None
    """Why the ledger is not at the end of this release's line."""
    store: str | None = None
    """What hinders writing and reading back."""
    graph: str | None = None
    check_in: float | None = None
    audit_event: float | None = None
    tool_usage: float | None = None
    steady: list[tuple[str, float]] = field(default_factory=list)
    """Agents that check in all the time, and the seconds since they last did."""
    ahead: int | None = None
    strays: int = 0
    waiting: int = 0
    months: str | None = None
    """What is wrong with them."""
    is_held: bool = False
    """Whether somebody is at work on a table that is cut into months: it can be read again soon."""


async def look(conn: Connection) -> Seen:
    """Everything that /health wants to know of Postgres, through one connection."""
    seen = Seen()
    await _schema(conn, seen)
    if seen.missing:
        return seen
    seen.store = await _write_and_read(conn)
    if seen.store is None:
        seen.graph = await _graph(conn)
    ages = await _unless_held(conn, "ages")
    seen.check_in, seen.audit_event, seen.tool_usage = ages[0] if ages else (None, None, None)
    asked = await conn.execute(SQL["steady_agents"], {"limit": AGENTS_LIMIT})
    seen.steady = [(str(agent), float(age)) for agent, age in await asked.fetchall()]
    state = await _unless_held(conn, "partition_state") if ages else []
    seen.is_held = not ages or not state
    seen.ahead = min((ahead for ahead, *_ in state if ahead is not None), default=None)
    seen.strays = sum(strays or 0 for _, strays, _, _ in state)
    seen.waiting = sum(waiting or 0 for _, _, waiting, _ in state)
    seen.months = "; ".join(trouble for *_, trouble in state if trouble) or None
    return seen


async def missing_columns(conn: Connection) -> list[str]:
    """Declared columns, of what the process cannot do without, that the database does not have."""
    return _missing(await _columns(conn))


async def require_schema(conn: Connection) -> None:
    """Refuse a database that is behind this release, or ahead of it, or changed by hand."""
    try:
        applied = await _applied(conn)
    except psycopg.errors.UndefinedTable:
        applied = []
    require("governance", applied)
    if missing := await missing_columns(conn):
        raise Diverged(
            f"database governance: {len(missing)} declared columns are missing,"
            f" the first is {missing[0]}",
            "the ledger says they were made: abode migrate governance check",
        )


def release() -> str:
    """The newest migration that this release has."""
    return line("governance").migrations()[-1]


class InThread(Generic[T]):
    """A look at a disk: in a thread, of which there is one at most, however long it takes."""

    def __init__(self, look: Callable[[], T]) -> None:
        self._look = look
        self._running: asyncio.Task[T] | None = None

    async def ask(self, seconds: float, late: T) -> T:
        """What it finds, or ``late`` when it takes longer: it goes on, and is asked again."""
        if self._running is None:
            self._running = asyncio.create_task(asyncio.to_thread(self._look))
        done, _ = await asyncio.wait({self._running}, timeout=seconds)
        if not done:
            return late
        running, self._running = self._running, None
        return running.result()


async def _schema(conn: Connection, seen: Seen) -> None:
    there = await _columns(conn)
    seen.missing = _missing(there)
    declared = {(t.table, name) for t in tables("governance") for name in t.model_fields}
    seen.undeclared = sorted(
        f"{table}.{name}"
        for (table, name), is_own in there.items()
        if is_own and (table, name) not in declared
    )
    if seen.missing:
        return
    applied = await _applied(conn)
    seen.revision = max(applied, default=None)
    try:
        require("governance", applied)
    except Diverged as error:
        seen.behind = error.message


async def _columns(conn: Connection) -> dict[tuple[str, str], bool]:
    rows = await (await conn.execute(SQL["columns"])).fetchall()
    return {(table, name): is_own for table, name, is_own in rows}


def _missing(there: dict[tuple[str, str], bool]) -> list[str]:
    wanted = [(model.table, name) for model in TABLES for name in model.model_fields]
    return [f"{table}.{name}" for table, name in wanted if (table, name) not in there]


async def _applied(conn: Connection) -> list[str]:
    return [row[0] for row in await (await conn.execute(SQL["applied_migrations"])).fetchall()]


async def _unless_held(conn: Connection, query: str) -> list[tuple[Any, ...]]:
    """Rows; none if another transaction holds a table, as the upkeep does while it moves rows."""
    try:
        async with conn.transaction():
            await conn.execute(SQL["wait_little"])
            return await (await conn.execute(SQL[query])).fetchall()
    except psycopg.errors.LockNotAvailable:
        return []


async def _write_and_read(conn: Connection) -> str | None:
    """Two commits: what one wrote, another reads. A server that only answers is not enough."""
    try:
        written = (await _one(conn, "write_probe"))[0]
        read = (await _one(conn, "read_probe"))[0]
    except psycopg.OperationalError:
        raise
    except psycopg.Error as error:
        return type(error).__name__
    if written is None or read is None:
        return "core.probe has no row"
    return None if read >= written else "what was written cannot be read"


async def _graph(conn: Connection) -> str | None:
    try:
        was_read = (await _one(conn, "probe_graph"))[0]
    except psycopg.OperationalError:
        raise
    except psycopg.Error as error:
        return type(error).__name__
    return None if was_read else "a vertex that was written cannot be read"


async def _one(conn: Connection, query: str) -> tuple[Any, ...]:
    row = await (await conn.execute(SQL[query])).fetchone()
    return row if row is not None else (None,)
