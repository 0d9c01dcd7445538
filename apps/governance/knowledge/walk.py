"""Through the graph, hop by hop: each is one query for the edges at all vertices reached last.

AGE's own ``*1..3`` is a hundred times slower, and unbounded.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from apps.bridge.refusals import NotFound
from apps.governance.knowledge.graph import agtype
from apps.postgres import Connection
from apps.queries import load
from schemas.errors import Refused
from schemas.governance.calls import knowledge
from schemas.governance.calls.knowledge import Link, Neighbourhood, Node, PathBetween, Surroundings

SQL = load(Path(__file__).with_name("walk.sql"))
SEEN_LIMIT = 20_000
"""Edges that one question may look at."""
SAYS = ("summary", "name", "phase", "status", "type")


class Edge(NamedTuple):
    """An edge by AGE's ids."""

    id: str
    start: str
    end: str
    table: int

    def other(self, end: str) -> str:
        """Where it leads from one of its ends."""
        return self.end if end == self.start else self.start


class Reach:
    """The vertices reached from one, with the hop and the edge that led there."""

    def __init__(self, start: str) -> None:
        self.hop: dict[str, int] = {start: 0}
        self.by: dict[str, Edge] = {}
        self.edges: dict[str, Edge] = {}
        self.last = [start]
        self.cut = False
        """Whether there were more edges than one question may look at."""

    async def step(self, conn: Connection) -> None:
        """One hop further, along edges in either direction."""
        limit = SEEN_LIMIT - len(self.edges) + 1
        given = {"ids": self.last, "limit": limit}
        rows = await (await conn.execute(SQL["edges_at"], given)).fetchall()
        self.cut = self.cut or len(rows) >= limit
        hop, ends = self.hop[self.last[0]] + 1, set(self.last)
        self.last = []
        found = {row[0]: Edge(*row) for row in rows}
        self.edges |= found
        for _, edge in sorted(found.items()):
            for end in (edge.start, edge.end):
                if end in ends and (other := edge.other(end)) not in self.hop:
                    self.hop[other], self.by[other] = hop, edge
                    self.last.append(other)

    def back(self, vertex: str) -> list[Edge]:
        """The edges from a vertex back to where it began."""
        way = []
        while vertex in self.by:
            way.append(self.by[vertex])
            vertex = self.by[vertex].other(vertex)
        return way


async def around(conn: Connection, asked: Neighbourhood) -> Surroundings:
    """The vertices within so many hops, the nearest first, and every edge between them."""
    reach = Reach(await _vertex(conn, asked.around))
    for _ in range(asked.hops):
        if not reach.last or len(reach.hop) > asked.limit:
            break
        await reach.step(conn)
    kept = dict(list(reach.hop.items())[: asked.limit])
    nodes, links = await _told(conn, kept, reach.edges.values())
    return Surroundings(nodes=nodes, links=links, more=reach.cut or len(kept) < len(reach.hop))


async def between(conn: Connection, asked: PathBetween) -> knowledge.Path:
    """A shortest path, searched from both ends; the smaller side goes on."""
    one, two = Reach(await _vertex(conn, asked.start)), Reach(await _vertex(conn, asked.end))
    for _ in range(asked.hops):
        if one.hop.keys() & two.hop.keys() or not (one.last and two.last):
            break
        await (one if len(one.last) <= len(two.last) else two).step(conn)
        if one.cut or two.cut:
            raise Refused(
                f"path: more than {SEEN_LIMIT} edges would have to be looked at", "ask fewer hops"
            )
    met = one.hop.keys() & two.hop.keys()
    if not met:
        return knowledge.Path(found=False, nodes=(), links=())
    middle = min(met, key=lambda vertex: (one.hop[vertex] + two.hop[vertex], vertex))
    way = [*reversed(one.back(middle)), *two.back(middle)]
    vertices, at = {next(iter(one.hop)): 0}, next(iter(one.hop))
    for hop, edge in enumerate(way, 1):
        at = edge.other(at)
        vertices[at] = hop
    nodes, links = await _told(conn, vertices, way)
    return knowledge.Path(found=True, nodes=nodes, links=links)


async def _vertex(conn: Connection, asked: knowledge.Vertex) -> str:
    given = {"label": asked.label, "key": agtype(asked.key)}
    row = await (await conn.execute(SQL["vertex"], given)).fetchone()
    if row is None:
        raise NotFound(f"graph: no {asked.label} {asked.key!r}", "search_discoveries finds ids")
    return str(row[0])


async def _told(
    conn: Connection, hops: dict[str, int], edges: Iterable[Edge]
) -> tuple[tuple[Node, ...], tuple[Link, ...]]:
    """Vertices with what they say, and the edges among them, by places."""
    rows = await (await conn.execute(SQL["vertices"], {"ids": list(hops)})).fetchall()
    known = {graphid: (label, json.loads(text)) for graphid, label, text in rows}
    places = {vertex: place for place, vertex in enumerate(hops)}
    nodes = tuple(_node(*known[vertex], hop) for vertex, hop in hops.items())
    among = [edge for edge in edges if edge.start in places and edge.end in places]
    given = {"tables": list({edge.table for edge in among})}
    found = await conn.execute(SQL["labels"], given)
    labels: dict[int, str] = dict(await found.fetchall())
    return nodes, tuple(
        Link(label=labels[edge.table], start=places[edge.start], end=places[edge.end])
        for edge in among
    )


def _node(label: str, properties: dict[str, object], hop: int) -> Node:
    key = properties.get("id", properties.get("name"))
    says = next((str(properties[name]) for name in SAYS if name in properties), "")
    return Node(label=label, key=str(key), says=says, hop=hop)
