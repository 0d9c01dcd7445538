"""What an agent says of itself, beside its check-ins; each such word is audited."""

from pathlib import Path
from typing import Any

from pydantic_core import to_json

from apps.governance.audit import AuditLog, event
from apps.governance.change import change
from apps.governance.descriptions import Descriptions
from apps.governance.desk import Desk
from apps.postgres import Connection
from apps.queries import load
from schemas.errors import Refused

SQL = load(Path(__file__).with_name("queries.sql"))


class Identities:
    """core.identities, as the agents themselves may touch it."""

    def __init__(
        self, desk: Desk, audit: AuditLog, descriptions: Descriptions | None = None
    ) -> None:
        self._desk = desk
        self._audit = audit
        self._descriptions = descriptions

    async def describe(self, agent: str, said: dict[str, Any]) -> dict[str, Any]:
        """Keep label, purpose, notes, tags and metadata; what is absent stays as it was."""
        values = {"label": None, "purpose": None, "notes": None, "tags": None, **said}
        values["metadata"] = to_json(said.get("metadata") or {}).decode()
        await self._changing(agent)
        async with change(self._desk, self._audit) as (conn, events):
            events.extend(await self._created(conn, agent))
            found = await conn.execute(SQL["describe_identity"], {**values, "agent": agent})
            row = await found.fetchone()
            if row is None:
                raise Refused(f"identity {agent!r}: is not there")
            events.append(event(agent, "identity_described", {"keys": sorted(said)}))
        await self._changing(agent)
        return {"agent_id": row[0], "status": row[1]}

    async def tell(self, agent: str) -> dict[str, Any]:
        """What governance knows of an agent; an agent unknown so far is made known."""
        async with change(self._desk, self._audit) as (conn, events):
            events.extend(await self._created(conn, agent))
            found = await conn.execute(SQL["identity"], {"agent": agent})
            row = await found.fetchone()
            if row is None:
                raise Refused(f"identity {agent!r}: is not there")
        names = ("agent_id", "status", "label", "purpose", "created_at")
        return dict(zip(names, row, strict=True))

    async def _created(self, conn: Connection, agent: str) -> list[dict[str, Any]]:
        """Make the agent known; gives the event of it, if it was not."""
        found = await conn.execute(SQL["create_identities"], {"agents": [agent]})
        made = await found.fetchall()
        return [event(agent, "identity_created", {}) for (agent,) in made]

    async def _changing(self, agent: str) -> None:
        if self._descriptions is not None:
            await self._descriptions.changing(agent)
