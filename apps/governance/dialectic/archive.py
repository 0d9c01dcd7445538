"""Disputes that come as files, and files of disputes."""

from typing import Any, NamedTuple

from psycopg.types.json import Jsonb

from apps.bridge.refusals import Conflict
from apps.governance.audit import AuditLog, event
from apps.governance.change import change
from apps.governance.desk import Desk
from apps.governance.dialectic import transcript
from apps.governance.dialectic.rows import draw, read, rows, write
from apps.postgres import Connection
from schemas.errors import Refused

MESSAGE_LIMIT = 1_000


class Kept(NamedTuple):
    """What is kept of a file."""

    session_id: str
    messages: int
    repeated: bool = False


class Archive:
    """Files in and out. What is taken in is read back before it is kept: it is the very file."""

    def __init__(self, desk: Desk, audit: AuditLog) -> None:
        self._desk = desk
        self._audit = audit

    async def take_in(self, document: dict[str, Any], by: str | None) -> Kept:
        """Keep a file, once. It is over: nothing comes of it for anybody's status."""
        parts = transcript.take_apart(document)
        if len(parts.messages) > MESSAGE_LIMIT:
            raise Refused(f"document: transcript: has more than {MESSAGE_LIMIT} messages")
        session_id = parts.session["session_id"]
        kept = Kept(session_id, len(parts.messages))
        async with change(self._desk, self._audit) as (conn, events):
            known = await rows(conn, "make_known", {"agents": sorted(parts.agents)})
            events += [event(row["agent_id"], "identity_created", {}) for row in known]
            is_new = await _insert(conn, parts)
            if is_new:
                told = {"session_id": session_id, "messages": len(parts.messages)}
                events.append(event(by, "dialectic_imported", told))
            if not transcript.alike(await _file(conn, session_id), document):
                if is_new:
                    raise Refused(f"document {session_id}: cannot be kept as it is")
                raise Conflict(f"dialectic {session_id}: is there already, and another one")
        return kept._replace(repeated=not is_new)

    async def give_out(self, session_id: str) -> dict[str, Any]:
        """The file of a dispute."""
        async with self._desk.connection() as conn, conn.transaction():
            return await _file(conn, session_id)


async def _insert(conn: Connection, parts: transcript.Parts) -> bool:
    session = parts.session
    as_json = ("paused_agent_state_json", "resolution_json", "imported_json")
    if not await rows(conn, "import_session", _jsonb(session, as_json)):
        return False
    await draw(conn, session, parts.agents)
    told = ("proposed_conditions", "observed_metrics", "concerns", "imported_json")
    for message in parts.messages:
        said = {**message, "session_id": session["session_id"]}
        await write(conn, _jsonb(said, told))
    return True


async def _file(conn: Connection, session_id: str) -> dict[str, Any]:
    found = await read(conn, session_id)
    said = await rows(conn, "messages", {"session_id": session_id})
    return transcript.put_together(found.row, said)


def _jsonb(row: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    wrapped = {name: Jsonb(row[name]) for name in names if row[name] is not None}
    return {**row, **wrapped}
