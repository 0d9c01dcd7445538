"""The trail, asked by agents and operators: each its own events, an operator everybody's."""

from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from apps.bridge.refusals import Forbidden
from apps.bridge.tool import Caller, Tool
from apps.governance.desk import Desk
from apps.governance.trail.index import Index
from apps.queries import load
from schemas.errors import Refused
from schemas.governance.calls import Right
from schemas.governance.calls.audit import AuditEvents, QueryAuditEvents, ToldEvent
from schemas.quantity import Instant

SQL = load(Path(__file__).with_name("trail") / "trail.sql")
NAMES = tuple(ToldEvent.model_fields)
INSTANT: TypeAdapter[datetime] = TypeAdapter(Instant)


class Auditing:
    """``query_audit_events``."""

    def __init__(self, desk: Desk, index: Index) -> None:
        self._desk = desk
        self._index = index

    def tools(self) -> tuple[Tool, ...]:
        """The one tool."""
        return (
            Tool(
                "query_audit_events",
                "What governance did: events by agent, type and time, the newest first.",
                QueryAuditEvents, AuditEvents, Right.READ, self.query,
            ),
        )  # fmt: skip

    async def query(self, caller: Caller, asked: QueryAuditEvents) -> AuditEvents:
        """A page; whoever told of something a moment ago finds it there."""
        wanted = _wanted(caller, asked)
        await self._index.caught_up()
        async with self._desk.connection() as conn:
            found = await conn.execute(SQL["events"], wanted)
            rows = await found.fetchall()
        page = [ToldEvent(**dict(zip(NAMES, row, strict=True))) for row in rows[: asked.limit]]
        last = page[-1] if len(rows) > asked.limit else None
        return AuditEvents(
            events=tuple(page),
            next=f"{last.recorded_at.isoformat()}/{last.event_id}" if last else None,
            resolved_agent_id=caller.agent,
        )


def _wanted(caller: Caller, asked: QueryAuditEvents) -> dict[str, Any]:
    about = asked.about
    if Right.OPERATE not in caller.rights:
        about = about or caller.named()
        if about != caller.agent:
            raise Forbidden(f"about: {about!r}: is not you", "an operator sees everybody's events")
    at, _, event_id = (asked.after or "").partition("/")
    try:
        before = INSTANT.validate_python(at) if at else None
    except ValueError:
        raise Refused(f"after: {asked.after!r:.120}: is not what a page ended with") from None
    return {
        "agent": about,
        "kind": asked.event_type,
        "since": asked.since,
        "until": asked.until,
        "after_at": before,
        "after_id": event_id or None,
        "limit": asked.limit + 1,
    }
