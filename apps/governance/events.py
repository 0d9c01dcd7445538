"""What a room of governance tells of its changes, in the transaction of the change."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from pydantic_core import to_json

from apps.governance.audit import AuditLog
from apps.postgres import Connection
from apps.queries import load

SQL = load(Path(__file__).with_name("queries.sql"))

Event = dict[str, Any]


def event(
    agent: str | None, kind: str, payload: Mapping[str, Any], at: datetime | None = None
) -> Event:
    """A row of audit.events, and a line of audit_log.jsonl."""
    return {
        "event_id": str(uuid4()),
        "recorded_at": at or datetime.now(UTC),
        "agent_id": agent,
        "event_type": kind,
        "payload": dict(payload),
    }


class Trail:
    """Rows now, lines once they are committed."""

    def __init__(self, audit: AuditLog) -> None:
        self._audit = audit

    async def append(self, conn: Connection, events: list[Event]) -> None:
        """Write rows; they go with the transaction."""
        if events:
            given = {"events": to_json(events).decode()}
            await conn.execute(SQL["append_audit_events"], given)

    def note(self, events: list[Event]) -> None:
        """Write the lines of what was committed, soon."""
        if events:
            self._audit.note(events)
