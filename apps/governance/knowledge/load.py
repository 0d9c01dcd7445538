"""Many discoveries at once: a file loaded and given back, and the graph made anew from the rows.

Rows and label tables are filled by COPY, as their owner; all of it in one transaction.
"""

import json
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from psycopg.rows import dict_row

from apps.governance.knowledge import form, mirror, told
from apps.governance.knowledge.store import AGENTS
from apps.postgres import Connection
from apps.queries import load as queries
from schemas.errors import Diverged, Refused

SQL = queries(Path(__file__).with_name("load.sql"))
UTC = ZoneInfo("UTC")


class Loaded(NamedTuple):
    """How much came with a file; nothing when it was there already."""

    discoveries: int
    edges: int
    agents: int


async def load(conn: Connection, file: str, body: bytes, zone: ZoneInfo = UTC) -> Loaded:
    """Keep a whole file, or nothing of it; loaded again it changes nothing."""
    said = _read(file, body)
    async with conn.transaction():
        await conn.execute(SQL["hold_everything"])
        if await _known(conn, file, body):
            return Loaded(0, 0, 0)
        shape = form.of(said, body.decode()) | {"zone": zone.key}
        nodes = [told.meaning(node, zone) for node in said["nodes"].values()]
        here = {node.id for node in nodes} | await _taken(conn, nodes)
        rows = [_kept(node, said["nodes"][node.id], here) for node in nodes]
        agents = sorted({node.agent_id for node in nodes})
        made = await conn.execute(AGENTS["create_identities"], {"agents": agents})
        await _copy_rows(conn, [row for row, _ in rows], [how for _, how in rows])
        values = {"file": file, "sha256": sha256(body).digest(), "form": json.dumps(shape)}
        await conn.execute(SQL["keep_file"], values)
        edges = await mirror.fill(conn, [row for row, _ in rows])
        if await dump(conn, file) != body:
            raise Diverged(f"{file}: would not be given back as it is; nothing was loaded")
        return Loaded(len(rows), edges, made.rowcount)


async def dump(conn: Connection, file: str | None = None) -> bytes:
    """A file as it was loaded, but for what changed since; all that there is when none is named."""
    shape: dict[str, Any] = form.NEW
    if file is not None:
        found = await (await conn.execute(SQL["loaded_file"], {"file": file})).fetchone()
        if found is None:
            raise Refused(f"{file}: no file of discoveries of this name was loaded")
        shape = found[1]
    zone = ZoneInfo(shape.get("zone", "UTC"))
    ids = None if file is None else shape["nodes"]
    rows = {node.id: told.again(node, how, zone) for node, how in await _rows(conn, ids)}
    order = rows if ids is None else [each for each in ids if each in rows]
    return form.whole(shape, {each: rows[each] for each in order}).encode()


async def rebuild(conn: Connection) -> tuple[int, int]:
    """Every discovery's vertex and edges anew, from the rows; gives how many of each."""
    async with conn.transaction():
        await conn.execute(SQL["hold_everything"])
        nodes = [node for node, _ in await _rows(conn, None)]
        await mirror.clear(conn)
        return len(nodes), await mirror.fill(conn, nodes)


def _read(file: str, body: bytes) -> dict[str, Any]:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refused(f"{file}: not JSON: {error}") from None
    if not isinstance(said, dict):
        raise Refused(f"{file}: is not an object")
    return said


async def _known(conn: Connection, file: str, body: bytes) -> bool:
    found = await (await conn.execute(SQL["loaded_file"], {"file": file})).fetchone()
    if found is not None and found[0] != sha256(body).digest():
        raise Refused(f"{file}: another file of this name was loaded", "pass --name")
    return found is not None


async def _taken(conn: Connection, nodes: Sequence[told.Node]) -> set[str]:
    """Discoveries that these speak of and that are there; one of these itself is refused."""
    spoken = {i for n in nodes for i in (n.id, *n.related_to, *_others(n))}
    found = await (await conn.execute(SQL["taken"], {"ids": list(spoken)})).fetchall()
    there = {each for (each,) in found}
    if twice := next((node.id for node in nodes if node.id in there), None):
        raise Refused(f"nodes/{twice}: a discovery of this id is there already")
    return there


def _others(node: told.Node) -> tuple[str, ...]:
    answered = (node.response_to.discovery_id,) if node.response_to else ()
    return (*answered, *((node.superseded_by,) if node.superseded_by else ()))


def _kept(
    node: told.Node, said: dict[str, Any], here: set[str]
) -> tuple[told.Node, dict[str, Any]]:
    """A node as its rows can hold it, and how it was told."""
    spoken = dict.fromkeys((*node.related_to, *_others(node)))
    missing = [each for each in spoken if each not in here or each == node.id]
    kept = told.without(node, set(missing))
    return kept, told.how(said, kept, missing)


async def _copy_rows(
    conn: Connection, nodes: Sequence[told.Node], how: Sequence[dict[str, Any]]
) -> None:
    rows = (
        (
            n.id, n.agent_id, n.type, n.severity, n.status, n.timestamp,
            n.updated_at or n.timestamp, n.resolved_at, n.summary, n.details or "",
            list(n.references_files),
            n.response_to.discovery_id if n.response_to else None,
            n.response_to.response_type if n.response_to else None,
            n.confidence, _json(n.provenance), _json(n.provenance_chain),
            json.dumps({told.TOLD: way}), n.superseded_by,
        )
        for n, way in zip(nodes, how, strict=True)
    )  # fmt: skip
    await mirror.copy(conn, "copy_discoveries", rows, SQL)
    tags = ((n.id, tag, n.timestamp) for n in nodes for tag in set(n.tags))
    await mirror.copy(conn, "copy_tags", tags, SQL)
    links = ((n.id, i, n.timestamp) for n in nodes for i in dict.fromkeys(n.related_to))
    await mirror.copy(conn, "copy_links", links, SQL)


async def _rows(
    conn: Connection, ids: Sequence[str] | None
) -> list[tuple[told.Node, dict[str, Any] | None]]:
    cursor = conn.cursor(row_factory=dict_row)
    await cursor.execute(SQL["as_told"], {"ids": None if ids is None else list(ids)})
    rows = await cursor.fetchall()
    how = [row.pop("metadata").get(told.TOLD) for row in rows]
    return [(told.Node.model_validate(row), way) for row, way in zip(rows, how, strict=True)]


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value)
