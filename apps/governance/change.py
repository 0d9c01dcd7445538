"""A change and the telling of it: both or neither, and acknowledged once its lines are on disk."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from apps.governance.audit import AuditLog
from apps.governance.desk import Desk
from apps.postgres import Connection

Events = list[dict[str, Any]]


@asynccontextmanager
async def change(desk: Desk, audit: AuditLog) -> AsyncIterator[tuple[Connection, Events]]:
    """A transaction, and where to put what is to be told of it.

    Nothing is begun while nothing can be told. Who leaves it by an error changed nothing and tells
    of nothing; who leaves it otherwise waits until what changed is told.
    """
    audit.require()
    events: Events = []
    async with desk.connection() as conn, conn.transaction():
        yield conn, events
        await audit.keep(conn, events)
    await audit.append(events)


@asynccontextmanager
async def change_on(conn: Connection, audit: AuditLog) -> AsyncIterator[Events]:
    """The same on a connection that is at hand."""
    audit.require()
    events: Events = []
    async with conn.transaction():
        yield events
        await audit.keep(conn, events)
    await audit.append(events)
