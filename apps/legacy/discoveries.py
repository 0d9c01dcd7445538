"""Discoveries, out of an old table or a knowledge_graph.json; what they say of each other is last.

A discovery must be one that the knowledge room can tell again: the graph is made from its rows.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from apps.governance.knowledge import told
from apps.legacy import keyset
from apps.legacy.bring import MERGES, merge, table_of
from apps.legacy.bring import SQL as STAGED
from apps.legacy.ledger import Rejects
from apps.legacy.source import opened
from apps.legacy.stage import Stage, named, text
from apps.legacy.work import Work
from apps.queries import load
from schemas.errors import Refused
from schemas.legacy.tables import TABLES

SQL: Final = load(Path(__file__).with_name("discoveries.sql"))
EDGES: Final = next(table for table in TABLES if table.name == "discovery_edges")
BATCH: Final = 500
RENAMED: Final = {"created_at": "timestamp", "related_files": "references_files"}
OBJECTS: Final = ("related_files", "provenance", "provenance_chain")
TIMES: Final = ("timestamp", "updated_at", "resolved_at")
SAID_LATER: Final = frozenset({"related_to", "response_to", "superseded_by"})
Node = dict[str, Any]


def bring_rows(work: Work) -> None:
    """Rows of an old table."""
    at = work.at
    old = table_of(work.path, "discoveries")
    with opened(work.path) as file:
        there = keyset.columns(file, old.name)
        wanted = [t.old for t in old.takes if t.old in there and t.how != "follows"]
        quoted = [f'"{name}"' for name in wanted]
        for piece in keyset.pieces(file, work.source(old.name), quoted, old.key, at.after):
            rejects: Rejects = []
            nodes = []
            for row in piece.rows:
                key = named(row[len(wanted) :])
                try:
                    nodes.append((key, _node(dict(zip(wanted, row, strict=False)))))
                except ValueError as error:
                    rejects.append((key, str(error)))
            with work.db.transaction():
                at.reject(work.db, rejects)
                _take(work, nodes)
                at.after = piece.after or at.after
                work.moved(len(piece.rows))
            work.say(len(piece.rows))


def bring_nodes(work: Work) -> None:
    """Nodes of a file, in its order."""
    nodes = _nodes(work.path)
    begin = int(work.at.after[0]) if work.at.after else 0
    for batch in _batches(islice(nodes.items(), begin, None)):
        with work.db.transaction():
            good = [(key, node) for key, node in batch if isinstance(node, dict)]
            bad = [(key, "is no object") for key, node in batch if not isinstance(node, dict)]
            work.at.reject(work.db, bad)
            _take(work, good)
            begin += len(batch)
            work.at.after = [begin]
            work.moved(len(batch))
        work.say(len(batch))


def bring_links(work: Work) -> None:
    """What nodes of a file say of each other; through the merge of an old table's edges."""
    nodes = _nodes(work.path)
    stage = Stage(EDGES, set(EDGES.columns), work.clock)
    stage.make(work.db)
    queries = load(MERGES / "edges.sql")
    begin = int(work.at.after[0]) if work.at.after else 0
    for batch in _batches(islice(nodes.items(), begin, None)):
        with work.db.transaction():
            all_of_them = [edge for key, node in batch for edge in _edges(work, key, node)]
            texts = [f"[{json.dumps(edge)}, {edge['beside']}]" for _, edge in all_of_them]
            edges = [edge for _, edge in work.fit(all_of_them, texts)]
            work.db.execute(STAGED["empty"])
            work.db.execute(SQL["stage_edges"], {"edges": json.dumps(edges)})
            before = work.at.taken
            merge(work.db, queries, work.at)
            work.graph_lacks(work.at.taken - before)
            begin += len(batch)
            work.at.after = [begin]
            work.moved(len(all_of_them))
        work.say(len(batch))


def _nodes(path: Path) -> dict[str, Any]:
    nodes = json.loads(path.read_bytes())["nodes"]
    return nodes if isinstance(nodes, dict) else {str(n): node for n, node in enumerate(nodes)}


def _batches(nodes: Iterable[tuple[str, Any]]) -> Iterator[list[tuple[str, Any]]]:
    all_of_them = iter(nodes)
    while batch := list(islice(all_of_them, BATCH)):
        yield batch


def _node(row: dict[str, Any]) -> Node:
    """A row as a file has it; ValueError when a value is of another kind."""
    node: Node = {}
    for name, value in row.items():
        if value is None:
            continue
        if name in OBJECTS:
            node[RENAMED.get(name, name)] = _parsed(name, text(value, name))
        elif name == "confidence" and isinstance(value, int | float):
            node[name] = value
        else:
            node[RENAMED.get(name, name)] = text(value, name)
    return node


def _parsed(name: str, value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        raise ValueError(f"{name}: is no JSON") from None


def _take(work: Work, nodes: Sequence[tuple[str, Node]]) -> None:
    """Those that the house can hold; an agent that is only spoken of becomes known."""
    rejects: Rejects = []
    meant = []
    for key, node in nodes:
        try:
            alone = {name: value for name, value in node.items() if name not in SAID_LATER}
            meant.append((key, _meaning(work, alone), alone))
        except (Refused, ValueError) as error:
            reason = error.message if isinstance(error, Refused) else str(error)
            rejects.append((key, reason.removeprefix(f"nodes/{str(node.get('id'))[:80]}: ")))
    told_as = work.fit(
        [
            (key, node.model_dump(mode="json") | {"beside": _beside(alone)})
            for key, node, alone in meant
        ],
        [json.dumps(alone) for _, _, alone in meant],
    )
    agents = sorted({node["agent_id"] for _, node in told_as})
    found = work.db.execute(SQL["not_here"], {"agents": agents}).fetchall()
    not_here = {agent for (agent,) in found}
    rejects += [
        (key, f"agent_id: agent {node['agent_id']!r} was not taken")
        for key, node in told_as
        if node["agent_id"] in not_here
    ]
    said = [(key, node) for key, node in told_as if node["agent_id"] not in not_here]
    given = {"nodes": json.dumps([node for _, node in said])}
    query = SQL["renewed_by_another" if work.renews else "another"]
    another = {each for (each,) in work.db.execute(query, given).fetchall()}
    rejects += [
        (key, "id: another discovery has it already") for key, node in said if node["id"] in another
    ]
    taken = [node for _, node in said if node["id"] not in another]
    if work.at.resumed:
        for node in taken:
            work.at.forget(work.db, node["id"])
    work.at.reject(work.db, rejects)
    at = [node["timestamp"] for node in taken]
    work.db.execute(SQL["make_known"], {"agents": [n["agent_id"] for n in taken], "at": at})
    given = {"nodes": json.dumps(taken)}
    renewed = work.db.execute(SQL["renew"], given).rowcount if work.renews else 0
    rows = renewed + work.db.execute(SQL["take"], given).rowcount
    tags = work.db.execute(SQL["take_tags"], given).rowcount
    work.at.taken += rows
    work.graph_lacks(rows + tags)


def _meaning(work: Work, node: Node) -> told.Node:
    """Its times with their offset, so that the clock has counted them."""
    for name in TIMES:
        if isinstance(node.get(name), str):
            node[name] = work.clock.instant(node[name])
    return told.meaning(node, ZoneInfo("UTC"))


def _beside(node: Node) -> Node:
    return {
        key: value
        for key, value in node.items()
        if key not in told.Node.model_fields and value is not None
    }


def _edges(work: Work, key: str, node: Any) -> Iterator[tuple[str, Node]]:
    """Links of a node as rows of the old table."""
    if not isinstance(node, dict):
        return
    try:
        at = work.clock.instant(str(node.get("timestamp")))
    except ValueError:
        return
    related, answered = node.get("related_to"), node.get("response_to")
    ends: list[tuple[Any, Node]]
    ends = [(other, {"edge_type": "related_to"}) for other in _listed(related)]
    if isinstance(answered, dict):
        kind = {"edge_type": "response_to", "response_type": answered.get("response_type")}
        ends.append((answered.get("discovery_id"), kind))
    if node.get("superseded_by"):
        ends.append((node["superseded_by"], {"edge_type": "superseded_by"}))
    for other, beside in ends:
        yield (
            named((key, other, beside["edge_type"])),
            {
                "key": named((key, other, beside["edge_type"])), "src": key,
                "dst": None if other is None else str(other), "at": at,
                "beside": json.dumps(beside),
            },
        )  # fmt: skip


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
