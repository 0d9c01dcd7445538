"""The graph of many discoveries at once, out of their rows: COPY straight into the label tables."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

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
"""Key of where an edge begins, the same of where it ends, and its properties if any."""


class Ties(NamedTuple):
    """Edges of one label, and the labels that they begin and end at."""

    begin: str
    end: str
    rows: list[Tie]


async def clear(conn: Connection) -> None:
    """Take every discovery out of the graph, and every edge at one."""
    for label in ("discovered", "has_tag", "related_to", "response_to", "discoveries"):
        await conn.execute(SQL[f"clear_{label}"])


async def fill(conn: Connection, nodes: Sequence[Node]) -> int:
    """Vertices and edges of discoveries that have none; gives the number of edges."""
    agents = sorted({node.agent_id for node in nodes})
    await graph.put_agents(conn, agents)
    await graph.put_tags(conn, sorted({tag for node in nodes for tag in node.tags}))
    ids = [
        row[0] for row in await (await conn.execute(SQL["ids"], {"count": len(nodes)})).fetchall()
    ]
    vertices = ((own, vertex(node)) for own, node in zip(ids, nodes, strict=True))
    await copy(conn, "copy_discoveries", vertices)
    ties = dict(_ties(nodes))
    new = {node.id: own for own, node in zip(ids, nodes, strict=True)}
    places = await _places(conn, ties.values(), new)
    for label, (begin, end, each) in ties.items():
        starts, ends = places[begin], places[end]
        rows = ((starts[one], ends[other], *more) for one, other, *more in each)
        await copy(conn, f"copy_{label}", rows)
    return sum(len(each.rows) for each in ties.values())


async def copy(
    conn: Connection, query: str, rows: Iterable[tuple[Any, ...]], sql: dict[str, str] = SQL
) -> None:
    """Fill a table."""
    async with conn.cursor().copy(sql[query]) as sink:
        for row in rows:
            await sink.write_row(row)


def _ties(nodes: Sequence[Node]) -> Iterable[tuple[str, Ties]]:
    """The edges of each label."""
    yield "discovered", Ties("Agent", "Discovery", [(n.agent_id, n.id) for n in nodes])
    yield "has_tag", Ties("Discovery", "Tag", [(n.id, tag) for n in nodes for tag in set(n.tags)])
    related: list[Tie] = [(n.id, other, NOTHING) for n in nodes for other in set(n.related_to)]
    took = [(n.superseded_by, n.id, TOOK) for n in nodes if n.superseded_by]
    yield "related_to", Ties("Discovery", "Discovery", related + took)
    answers: list[Tie] = [
        (
            n.id,
            n.response_to.discovery_id,
            graph.agtype({"response_type": n.response_to.response_type}),
        )
        for n in nodes
        if n.response_to
    ]
    yield "response_to", Ties("Discovery", "Discovery", answers)


async def _places(
    conn: Connection, ties: Iterable[Ties], new: dict[str, str]
) -> dict[str, dict[str, str]]:
    """AGE's id of every vertex that an edge begins or ends at, by label and key.

    Those of the new discoveries are known.
    """
    ends: dict[str, set[str]] = {"Agent": set(), "Discovery": set(), "Tag": set()}
    for begin, end, rows in ties:
        ends[begin].update([tie[0] for tie in rows])
        ends[end].update([tie[1] for tie in rows])
    places: dict[str, dict[str, str]] = {"Agent": {}, "Discovery": new, "Tag": {}}
    given = {
        label: [graph.agtype(key) for key in keys - places[label].keys()]
        for label, keys in ends.items()
    }
    for label, key, graphid in await (await conn.execute(SQL["places"], given)).fetchall():
        places[label][key] = graphid
    for label, keys in ends.items():
        for key in keys - places[label].keys():
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
