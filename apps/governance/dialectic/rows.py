"""Rows and vertices of disputes, read and written inside a caller's transaction."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from apps.bridge.refusals import NotFound
from apps.governance import graph
from apps.governance.dialectic.rules import Dispute, Word
from apps.postgres import Connection
from apps.queries import load
from schemas.errors import Diverged, Refused
from schemas.governance.dialectic import Outcome, Phase, SessionKind, Standing, Step
from schemas.governance.graph import GRAPH

SQL = load(Path(__file__).with_name("dialectic.sql"))

Row = dict[str, Any]


class Moved(NamedTuple):
    """What came of a call: the dispute, whether it was said before, the agent's new status."""

    row: Row
    dispute: Dispute
    repeated: bool = False
    agent_status: str | None = None


async def read(conn: Connection, session_id: str) -> Moved:
    """A dispute and all that was said in it."""
    row = await one(conn, "session", {"session_id": session_id})
    if row is None:
        raise NotFound(f"dialectic {session_id!r:.80}: is not there", "see list_dialectics")
    words = tuple(_word(said) for said in await rows(conn, "messages", {"session_id": session_id}))
    dispute = Dispute(
        row["session_id"],
        SessionKind(row["session_type"]),
        Phase(row["phase"]),
        Standing(row["status"]),
        row["paused_agent_id"],
        row["reviewer_agent_id"] or row["paused_agent_id"],
        row["created_at"],
        row["deadline_at"],
        row["max_synthesis_rounds"],
        words,
        held=row["held"],
    )
    return Moved(row, dispute)


def _word(said: Row) -> Word:
    action = said["proposed_action"]
    return Word(
        said["agent_id"],
        Step(said["message_type"]),
        said["recorded_at"],
        said["root_cause"],
        tuple(said["proposed_conditions"] or ()),
        said["reasoning"],
        said["observed_metrics"],
        tuple(said["concerns"] or ()),
        said["agrees"],
        Outcome(action) if action else None,
        said["signature"],
    )


async def rows(conn: Connection, query: str, values: Mapping[str, Any]) -> list[Row]:
    """What a named query finds, by column."""
    found = await conn.execute(SQL[query], values)
    names = [column.name for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in await found.fetchall()]


async def one(conn: Connection, query: str, values: Mapping[str, Any]) -> Row | None:
    """The first row that a named query finds."""
    found = await rows(conn, query, values)
    return found[0] if found else None


async def write(conn: Connection, said: Mapping[str, Any]) -> None:
    """A message, as a row and as a vertex."""
    found = await (await conn.execute(SQL["say"], said)).fetchone()
    if found is None:
        raise Refused(f"dialectic {said['session_id']}: the message was not written")
    vertex = {
        "session": said["session_id"],
        "agent": said["agent_id"],
        "id": found[0],
        "seq": said["seq"],
        "type": said["message_type"],
    }
    await into_graph(conn, "graph_message", vertex)


async def into_graph(conn: Connection, query: str, given: Mapping[str, Any]) -> None:
    """Write to the graph; Diverged if it does not have what the rows have."""
    if not await graph.ask(conn, SQL[query], given):
        raise Diverged(
            f"{GRAPH}: {query.removeprefix('graph_')} {given['id']}: what it belongs to is missing",
            "the graph is not as the rows are; nothing was written",
        )


async def draw(conn: Connection, session: Mapping[str, Any], speakers: Iterable[str] = ()) -> None:
    """The vertex of a new dispute, the edges to its two sides, and whoever else speaks in it."""
    paused, reviewer = session["paused_agent_id"], session["reviewer_agent_id"]
    await know(conn, {paused, reviewer, *speakers} - {None})
    given = {
        "id": session["session_id"],
        "status": session["status"],
        "phase": session["phase"],
        "created_at": session["created_at"].isoformat(),
    }
    await into_graph(conn, "graph_session", {**given, "paused": paused})
    if reviewer is not None:
        given = {"id": session["session_id"], "reviewer": reviewer}
        await into_graph(conn, "graph_reviewer", given)


async def know(conn: Connection, agents: set[str]) -> None:
    """The vertices of agents, as core.identities has them now."""
    found = await rows(conn, "stand", {"agents": sorted(agents)})
    stand = {row["agent_id"]: (row["status"], row["created_at"]) for row in found}
    await graph.know_agents(conn, stand)
