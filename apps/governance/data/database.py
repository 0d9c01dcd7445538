"""What the rest of the code asks of Postgres, one call each: a connection, a transaction, done."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import psycopg
from pydantic import ValidationError
from pydantic_core import to_json

from apps.bridge.refusals import Conflict
from apps.governance import caller
from apps.governance.data import cypher as age
from apps.governance.data.owner import Owner
from apps.governance.data.store import Store, in_our_words, opened
from apps.governance.desk import WAIT_SECONDS
from apps.governance.settings import DataSettings
from apps.postgres import Connection, is_gone, renew
from apps.queries import load
from schemas.errors import Diverged, Refused
from schemas.governance.audit import AuditEvent
from schemas.governance.keys import SESSION_LIFETIME_SECONDS
from schemas.governance.tables import Identity

SQL = {
    **load(Path(__file__).parents[1] / "queries.sql"),
    **load(Path(__file__).parents[1] / "sessions.sql"),
    **load(Path(__file__).with_name("queries.sql")),
}
EVENTS_LIMIT = 1_000
SESSION_ID_LIMIT = 200
T = TypeVar("T")


class Database:
    """governance's database, for trusted code of this process. PostgreSQL only.

    Its pool is opened by the first call and owned by one event loop, in a thread of its own:
    a call may be awaited in any loop of any thread, and ``wait`` serves plain code. Every call
    is bounded in time. After ``close`` each is refused.
    """

    def __init__(self, told: DataSettings) -> None:
        self._told = told
        self._owner = Owner()
        self._store: Store | None = None
        self._opening = asyncio.Lock()

    async def upsert_identity(
        self,
        agent_id: str,
        api_key_hash: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        **described: Any,
    ) -> Identity:
        """Make an agent known, or keep what is new of it: label, purpose, notes, tags, metadata.

        What is absent stays as it was; metadata is merged. A token is not kept with its agent.
        """
        if api_key_hash is not None:
            raise Refused("upsert_identity: api_key_hash: tokens are not kept with the identity")
        if unknown := sorted(described.keys() - {"label", "purpose", "notes", "tags"}):
            raise Refused(f"upsert_identity: unknown key {unknown[0]!r}")
        if metadata is not None:
            described["metadata"] = dict(metadata)
        agent = _name(agent_id)

        async def work(store: Store) -> Identity:
            await (await store.identities()).describe(agent, described)
            async with store.desk.connection() as conn:
                found = await _identity(conn, agent)
            if found is None:
                raise Diverged(f"identity {agent!r}: was made and is gone")
            return found

        return await self._do(work)

    async def get_identity(self, agent_id: str) -> Identity | None:
        """One agent, or None if nobody of this name was heard of."""

        async def work(store: Store) -> Identity | None:
            async with store.desk.connection() as conn:
                return await _identity(conn, agent_id)

        return await self._do(work)

    async def create_session(self, session_id: str, identity_id: int, expires_at: datetime) -> None:
        """Bind a session to an agent, or keep it bound; Conflict if it is another's and lives."""
        session = _session(session_id)
        now = datetime.now(UTC)
        if expires_at.tzinfo is None or expires_at <= now:
            raise Refused("create_session: expires_at: is not an instant to come, with its offset")

        async def work(store: Store) -> None:
            async with store.desk.connection() as conn, conn.transaction():
                row = await _one(conn, "agent_of", {"identity_id": identity_id})
                if row is None:
                    raise Refused(f"create_session: identity {identity_id}: is not there")
                lifetime = (expires_at - now).total_seconds()
                bound = await _touch(conn, session, row[0], now, lifetime)
                if bound is None:
                    bound = await _one(conn, "session_agents", {"session_ids": [session]})
                    if bound is None or bound[1] != row[0]:
                        raise Conflict("create_session: the session is another agent's and lives")

        await self._do(work)

    async def update_session_activity(self, session_id: str) -> bool:
        """Keep a session alive for another day, to a minute; False if no living one has this id."""
        session = _session(session_id)

        async def work(store: Store) -> bool:
            said = {"session_ids": [session], "lifetime": SESSION_LIFETIME_SECONDS}
            async with store.desk.connection() as conn, conn.transaction():
                row = await _one(conn, "session_agents", said)
                if row is not None:
                    await conn.execute(SQL["slide_sessions"], said)
            return row is not None

        return await self._do(work)

    async def append_audit_event(self, event: AuditEvent | Mapping[str, Any]) -> AuditEvent:
        """Tell of one event, on the disk then. An id and a time that it lacks are made here."""
        said = _event(event)

        async def work(store: Store) -> AuditEvent:
            await (await store.audit()).append([said.model_dump()])
            return said

        return await self._do(work)

    async def query_audit_events(
        self,
        agent_id: str | None = None,
        event_type: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 100,
    ) -> list[AuditEvent]:
        """The trail, newest first: of one agent, one kind, from an instant on and before one."""
        if not 1 <= limit <= EVENTS_LIMIT:
            raise Refused(f"query_audit_events: limit: {limit} is not in [1, {EVENTS_LIMIT}]")
        wanted = {
            "agent": agent_id,
            "kind": event_type,
            "since": since,
            "until": until,
            "limit": limit,
        }

        async def work(store: Store) -> list[AuditEvent]:
            await store.level()
            async with store.desk.connection() as conn:
                found = await conn.execute(SQL["audit_events"], wanted)
                return [_row(AuditEvent, found, row) for row in await found.fetchall()]

        return await self._do(work)

    async def graph_query(
        self, cypher: str, params: Mapping[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        """Rows of one Cypher query, by the names that its RETURN gives them.

        Values travel as ``params`` only, in one agtype map, never inside the text. The text
        itself is code: AGE 1.5 is no security boundary, whoever may read a graph through
        ``cypher()`` writes it, even in a read-only transaction. So this is for trusted code of
        this process, under the app's role and its time limit, and no tool offers it to agents.
        """
        sql, given, columns = age.asked(self._told.graph, cypher, params or {})

        async def work(store: Store) -> list[dict[str, Any]]:
            async with store.desk.connection() as conn, conn.transaction():
                await conn.execute("SELECT set_config('search_path', 'ag_catalog', true)")
                rows = await (await conn.execute(sql, [given])).fetchall()
            if len(rows) > age.ROWS_LIMIT:
                raise Refused(f"cypher: gives more than {age.ROWS_LIMIT} rows", "say LIMIT")
            return [dict(zip(columns, map(age.value, row), strict=True)) for row in rows if columns]

        return await self._do(work)

    async def open(self) -> None:
        """Connect, and refuse a database that is not as declared; again it does nothing."""

        async def work(_: Store) -> None:
            pass

        await self._do(work)

    def wait(self, call: Coroutine[Any, Any, T]) -> T:
        """The result of a call, for plain code: the calling thread waits for it."""
        return self._owner.wait(call)

    def end(self) -> None:
        """As ``close``, for plain code."""
        if (ended := self._owner.close(self._release())) is not None:
            ended.result()

    async def close(self) -> None:
        """End what began, then let go of the connections. Again it does nothing."""
        if (ended := self._owner.close(self._release())) is not None:
            await asyncio.wrap_future(ended)

    async def _do(self, work: Callable[[Store], Awaitable[T]]) -> T:
        return await self._owner.run(self._work(work))

    async def _work(self, work: Callable[[Store], Awaitable[T]]) -> T:
        with in_our_words():
            async with self._opening:
                store = self._store = self._store or await opened(self._told)
            try:
                return await work(store)
            except psycopg.OperationalError as error:
                if is_gone(error):
                    await renew(store.pool, WAIT_SECONDS)
                raise

    async def _release(self) -> None:
        async with self._opening:
            if self._store is not None:
                await self._store.close()


async def _one(conn: Connection, query: str, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
    return await (await conn.execute(SQL[query], values)).fetchone()


async def _identity(conn: Connection, agent: str) -> Identity | None:
    found = await conn.execute(SQL["identity_record"], {"agent": agent})
    row = await found.fetchone()
    return _row(Identity, found, row) if row else None


def _row(model: Any, found: psycopg.AsyncCursor[Any], row: tuple[Any, ...]) -> Any:
    names = [column.name for column in found.description or ()]
    return model.model_validate(dict(zip(names, row, strict=True)))


async def _touch(
    conn: Connection, session: str, agent: str, at: datetime, lifetime: float
) -> tuple[Any, ...] | None:
    rows = to_json([{"session_id": session, "agent": agent, "at": at}]).decode()
    return await _one(conn, "touch_sessions", {"sessions": rows, "lifetime": lifetime})


def _name(agent_id: str) -> str:
    agent = caller.name(agent_id)
    if agent is None:
        raise Refused("agent: is missing")
    return agent


def _session(session_id: str) -> str:
    if not (0 < len(session_id) <= SESSION_ID_LIMIT and session_id.isprintable()):
        raise Refused(f"session_id: is not 1 to {SESSION_ID_LIMIT} printable characters")
    return session_id


def _event(event: AuditEvent | Mapping[str, Any]) -> AuditEvent:
    if isinstance(event, AuditEvent):
        return event
    try:
        return AuditEvent.model_validate(
            {"event_id": uuid4(), "recorded_at": datetime.now(UTC), **event}
        )
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = "/".join(str(part) for part in first["loc"])
        raise Refused(f"append_audit_event: {where}: {first['msg']}") from None
