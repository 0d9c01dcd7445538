"""The graph's part of a change: vertices and edges, in the transaction of the rows they repeat.

Every statement is fixed text out of graph.sql. What agents say travels beside it, as agtype values
in the text form that their JSON is: nothing is ever put into a query, and none of them is Cypher.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pydantic_core import to_json

from apps.postgres import Connection
from apps.queries import load
from schemas.errors import Diverged
from schemas.governance import graph as labels
from schemas.governance.calls.knowledge import Found

SQL = load(Path(__file__).with_name("graph.sql"))
Tie = tuple[str, str]
"""The keys of where an edge begins and of where it ends."""


def agtype(value: Any) -> str:
    """A value as AGE reads it: agtype's text form takes JSON as it is."""
    return to_json(value).decode()


def vertex(found: labels.Discovery) -> str:
    """The properties of a discovery's vertex; what is not known is left out."""
    told = found.model_dump(exclude_none=True)
    return agtype(told | {"created_at": found.created_at.isoformat()})


async def put_agents(conn: Connection, agents: Sequence[str]) -> None:
    """A vertex for each, as core.identities has it now."""
    await conn.execute(SQL["hold_agents"], {"agents": list(agents)})
    found = await conn.execute(SQL["agents_as_they_are"], {"agents": list(agents)})
    properties = [
        agtype({"id": agent, "status": status, "created_at": born.isoformat()})
        for agent, status, born in await found.fetchall()
    ]
    await conn.execute(SQL["put_agents"], {"properties": properties})


async def put_tags(conn: Connection, tags: Iterable[str]) -> None:
    """A vertex for each that has none."""
    properties = [agtype({"name": tag}) for tag in tags]
    await conn.execute(SQL["put_tags"], {"properties": properties})


async def put_discovery(conn: Connection, found: Found) -> None:
    """Its vertex as its row is; nothing else."""
    repeated = labels.Discovery(
        id=found.discovery_id,
        **found.model_dump(include={"type", "status", "severity", "summary", "created_at"}),
    )
    await conn.execute(SQL["put_discoveries"], {"properties": [vertex(repeated)]})


async def add(conn: Connection, found: Found) -> None:
    """A new discovery with all its edges."""
    me = found.discovery_id
    await put_agents(conn, [found.agent_id])
    await put_discovery(conn, found)
    await tie(conn, "tie_discovered", [(found.agent_id, me)])
    await retag(conn, found, is_new=True)
    await relate(conn, found, is_new=True)
    if found.response_to is not None:
        said = [agtype({"response_type": found.response_type})]
        await tie(conn, "tie_response_to", [(me, found.response_to)], properties=said)


async def retag(conn: Connection, found: Found, *, is_new: bool = False) -> None:
    """Its tags as its rows are."""
    if not is_new:
        await conn.execute(SQL["untie_has_tag"], {"key": agtype(found.discovery_id)})
    if found.tags:
        await put_tags(conn, found.tags)
        await tie(conn, "tie_has_tag", [(found.discovery_id, tag) for tag in found.tags])


async def relate(conn: Connection, found: Found, *, is_new: bool = False) -> None:
    """What it says it is related to, as its rows are."""
    if not is_new:
        await conn.execute(SQL["untie_related_to"], {"key": agtype(found.discovery_id)})
    if found.related_to:
        ties = [(found.discovery_id, other) for other in found.related_to]
        await tie(conn, "tie_related_to", ties)


async def succeed(conn: Connection, old: Found) -> None:
    """Who took its place, and no other."""
    await put_discovery(conn, old)
    await conn.execute(SQL["untie_superseded"], {"key": agtype(old.discovery_id)})
    if old.superseded_by is not None:
        await tie(conn, "tie_supersedes", [(old.superseded_by, old.discovery_id)])


async def tie(conn: Connection, query: str, ties: Sequence[Tie], **more: Sequence[str]) -> None:
    """Edges by the keys of their ends; Diverged when the graph lacks one of these."""
    starts, ends = ([agtype(one) for one in side] for side in zip(*ties, strict=True))
    done = await conn.execute(SQL[query], {"starts": starts, "ends": ends, **more})
    if done.rowcount != len(ties):
        raise Diverged(
            f"graph {labels.GRAPH!r}: has {done.rowcount} of {len(ties)} ends for"
            f" {query.removeprefix('tie_').upper()}; nothing was changed",
            "abode knowledge rebuild makes it anew from the rows",
        )
