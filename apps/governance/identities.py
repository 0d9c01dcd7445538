"""What an agent says of itself, beside its check-ins; each such word is audited."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from pydantic_core import to_json

from apps.governance.audit import AuditLog
from apps.governance.desk import Desk
from apps.postgres import Connection
from apps.queries import load
from schemas.errors import Refused

SQL = load(Path(__file__).with_name("queries.sql"))


class Identities:
    """core.identities, as the agents themselves may touch it."""

    def __init__(self, desk: Desk, audit: AuditLog) -> None:
        self._desk = desk
        self._audit = audit

    async def describe(self, agent: str, said: dict[str, Any]) -> dict[str, Any]:
        """Keep label, purpose, notes, tags and metadata; what is absent stays as it was."""
        values = {"label": None, "purpose": None, "notes": None, "tags": None, **said}
        values["metadata"] = to_json(said.get("metadata") or {}).decode()
        async with self._desk.connection() as conn, conn.transaction():
            events = await self._created(conn, agent)
            found = await conn.execute(SQL["describe_identity"], {**values, "agent": agent})
            row = await found.fetchone()
            if row is None:
                raise Refused(f"identity {agent!r}: is not there")
            events.append(_event(agent, "identity_described", {"keys": sorted(said)}))
            await self._append(conn, events)
        self._audit.note(events)
        return {"agent_id": row[0], "status": row[1]}

    async def tell(self, agent: str) -> dict[str, Any]:
        """What governance knows of an agent; an agent unknown so far is made known."""
        async with self._desk.connection() as conn, conn.transaction():
            events = await self._created(conn, agent)
            found = await conn.execute(SQL["identity"], {"agent": agent})
            row = await found.fetchone()
            if row is None:
                raise Refused(f"identity {agent!r}: is not there")
            await self._append(conn, events)
        self._audit.note(events)
        names = ("agent_id", "status", "label", "purpose", "created_at")
        return dict(zip(names, row, strict=True))

    async def outcome(self, agent: str, payload: dict[str, Any]) -> None:
        """Keep what came of something the agent did."""
        events = [_event(agent, "outcome", payload)]
        async with self._desk.connection() as conn, conn.transaction():
            await self._append(conn, events)
        self._audit.note(events)

    async def _created(self, conn: Connection, agent: str) -> list[dict[str, Any]]:
        """Make the agent known; gives the event of it, if it was not."""
        found = await conn.execute(SQL["create_identities"], {"agents": [agent]})
        made = await found.fetchall()
        return [_event(agent, "identity_created", {}) for (agent,) in made]

    async def _append(self, conn: Connection, events: list[dict[str, Any]]) -> None:
        if events:
            await conn.execute(SQL["append_audit_events"], {"events": to_json(events).decode()})


def _event(agent: str, kind: str, payload: dict[str, Any]) -> dict[str, Any]:
    return {
        "event_id": str(uuid4()),
        "recorded_at": datetime.now(UTC),
        "agent_id": agent,
        "event_type": kind,
        "payload": payload,
    }
