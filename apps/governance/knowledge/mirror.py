"""The graph of many discoveries at once, out of their rows: COPY straight into the label tables."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from apps.governance.knowledge import graph
from apps.governance.knowledge.told import Node
from apps.postgres import Connection
from apps.queries import load
from schemas.errors import Diverged
from schemas.governance import graph as labels

SQL = load(Path(__file__).with_name("mirror.sql"))
TOOK = graph.agtype({"supersedes": True})
NOTHING = graph.agtype({})

Tie = tuple[Any, ...]
"""Label and key of where an edge begins, the same of where it ends, and its properties if any."""


async def clear(conn: Connection) -> None:
    """Take every discovery out of the graph, and every edge at one."""
    for label in ("discovered", "has_tag", "related_to", "response_to", "discoveries"):
        await conn.execute(SQL[f"clear_{label}"])


async def fill(conn: Connection, nodes: Sequence[Node]) -> int:
    """Vertices and edges of discoveries that have none; gives the number of edges."""
    agents = sorted({node.agent_id for node in nodes})
    await graph.put_agents(conn, agents)
    await graph.put_tags(conn, sorted({tag for node in nodes for tag in node.tags}))
    await copy(conn, "copy_discoveries", ((vertex(node),) for node in nodes))
    ties = dict(_ties(nodes))
    places = await _places(conn, {end for each in ties.values() for tie in each for end in tie[:2]})
    for label, each in ties.items():
        rows = ((places[start], places[end], *more) for start, end, *more in each)
        await copy(conn, f"copy_{label}", rows)
    return sum(len(each) for each in ties.values())


async def copy(
    conn: Connection, query: str, rows: Iterable[tuple[Any, ...]], sql: dict[str, str] = SQL
) -> None:
    """Fill a table."""
    async with conn.cursor().copy(sql[query]) as sink:
        for row in rows:
            await sink.write_row(row)


def _ties(nodes: Sequence[Node]) -> Iterable[tuple[str, list[Tie]]]:
    """The edges of each label."""
    yield "discovered", [(("Agent", n.agent_id), ("Discovery", n.id)) for n in nodes]
    yield "has_tag", [(("Discovery", n.id), ("Tag", tag)) for n in nodes for tag in set(n.tags)]
    related: list[Tie] = [
        (("Discovery", n.id), ("Discovery", other), NOTHING)
        for n in nodes
        for other in set(n.related_to)
    ]
    yield (
        "related_to",
        related
        + [
            (("Discovery", n.superseded_by), ("Discovery", n.id), TOOK)
            for n in nodes
            if n.superseded_by
        ],
    )
    yield (
        "response_to",
        [
            (
                ("Discovery", n.id),
                ("Discovery", n.response_to.discovery_id),
                graph.agtype({"response_type": n.response_to.response_type}),
            )
            for n in nodes
            if n.response_to
        ],
    )


async def _places(conn: Connection, ends: set[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """AGE's id of every vertex that an edge begins or ends at."""
    given = {
        label: [graph.agtype(key) for of, key in ends if of == label]
        for label in ("Agent", "Discovery", "Tag")
    }
    found = await (await conn.execute(SQL["places"], given)).fetchall()
    places = {(label, key): graphid for label, key, graphid in found}
    for label, key in ends - places.keys():
        raise Diverged(f"graph: has no {label} {key!r:.80}", "abode knowledge rebuild")
    return places


def vertex(node: Node) -> str:
    """The properties of a node's vertex."""
    return graph.vertex(
        labels.Discovery(
            id=node.id,
            type=node.type,
            status=node.status,
            severity=node.severity,
            summary=node.summary,
            created_at=node.timestamp,
        )
    )
