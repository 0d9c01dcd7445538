"""Discoveries: stored, read, changed and superseded. Row and graph change in one transaction."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import Any, NamedTuple

from psycopg.rows import dict_row
from pydantic_core import to_json

from apps.bridge.refusals import Conflict, Forbidden, NotFound, TooMany
from apps.bridge.tool import Caller
from apps.governance.knowledge import graph
from apps.postgres import Connection
from apps.queries import load
from schemas.errors import Refused
from schemas.governance.calls import Right
from schemas.governance.calls.knowledge import (
    STORES_PER_HOUR,
    Found,
    StoreDiscovery,
    SupersedeDiscovery,
    UpdateDiscovery,
)

SQL = load(Path(__file__).with_name("store.sql"))
AGENTS = load(Path(__file__).parents[1] / "queries.sql")


class Stored(NamedTuple):
    """What came of telling a discovery."""

    discovery: Found
    left: int
    """How many more the agent may store within the hour."""
    is_new: bool = True
    """False when the same was told before: nothing was written."""
    is_new_agent: bool = False


def new_id() -> str:
    """When, to the microsecond, and 48 random bits: two in one microsecond differ."""
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}.{token_hex(6)}"


async def store(conn: Connection, agent: str, said: StoreDiscovery) -> Stored:
    """Keep it; told again under its own id it is given back as it is."""
    await conn.execute(SQL["one_at_a_time"], {"agent": agent})
    if said.discovery_id is not None and (known := await full(conn, [said.discovery_id])):
        _same(known[0], agent, said)
        count, _ = await _lately(conn, agent)
        return Stored(known[0], max(0, STORES_PER_HOUR - count), is_new=False)
    left = await _left(conn, agent)
    made = await conn.execute(AGENTS["create_identities"], {"agents": [agent]})
    is_new_agent = await made.fetchone() is not None
    await _require(conn, "related_to", said.related_to)
    await _require(conn, "response_to", [said.response_to] if said.response_to else [])
    values = said.model_dump(mode="json") | {
        "discovery_id": said.discovery_id or new_id(),
        "agent": agent,
        "provenance": None if said.provenance is None else to_json(said.provenance).decode(),
    }
    made = await conn.execute(SQL["store_discovery"], values)
    if made.rowcount != 1:
        raise Conflict(f"discovery {values['discovery_id']!r}: was told just now by another")
    await conn.execute(SQL["tag_discovery"], values)
    await conn.execute(SQL["link_discovery"], values)
    found = await one(conn, values["discovery_id"])
    await graph.add(conn, found)
    return Stored(found, left - 1, is_new_agent=is_new_agent)


async def update(conn: Connection, caller: Caller, said: UpdateDiscovery) -> tuple[Found, Found]:
    """The discovery before and after."""
    await _hold(conn, caller, said.discovery_id)
    before = await one(conn, said.discovery_id)
    values = said.model_dump(mode="json")
    if said.discovery_id in said.related_to:
        raise Refused(f"related_to: {said.discovery_id!r} is the discovery itself")
    await _require(conn, "related_to", said.related_to)
    await conn.execute(SQL["update_discovery"], values)
    if said.tags is not None:
        await conn.execute(SQL["untag_discovery"], values)
        await conn.execute(SQL["tag_discovery"], values)
    await conn.execute(SQL["link_discovery"], values)
    after = await one(conn, said.discovery_id)
    await graph.put_discovery(conn, after)
    if after.tags != before.tags:
        await graph.retag(conn, after)
    if after.related_to != before.related_to:
        await graph.relate(conn, after)
    return before, after


async def supersede(conn: Connection, caller: Caller, said: SupersedeDiscovery) -> Found:
    """The old discovery, archived; a circle is refused."""
    if said.discovery_id == said.superseded_by:
        raise Refused("superseded_by: a discovery cannot take its own place")
    await conn.execute(SQL["no_two_succeed"])
    already = await _hold(conn, caller, said.discovery_id)
    if already not in (None, said.superseded_by):
        raise Conflict(
            f"discovery {said.discovery_id!r}: is superseded by {already!r}", "supersede that one"
        )
    await _require(conn, "superseded_by", [said.superseded_by])
    rows = await conn.execute(SQL["successors"], {"discovery_id": said.superseded_by})
    if (said.discovery_id,) in await rows.fetchall():
        raise Conflict(f"discovery {said.superseded_by!r}: {said.discovery_id!r} took its place")
    await conn.execute(SQL["supersede_discovery"], said.model_dump())
    old = await one(conn, said.discovery_id)
    await graph.succeed(conn, old)
    return old


async def full(conn: Connection, ids: Sequence[str]) -> list[Found]:
    """Those of the ids that are there, the oldest first."""
    cursor = conn.cursor(row_factory=dict_row)
    await cursor.execute(SQL["discoveries"], {"ids": list(ids)})
    return [Found.model_validate(row) for row in await cursor.fetchall()]


async def one(conn: Connection, discovery_id: str) -> Found:
    """The discovery, or NotFound."""
    found = await full(conn, [discovery_id])
    if not found:
        raise _unknown(discovery_id)
    return found[0]


async def what_came_of(conn: Connection, discovery_id: str) -> dict[str, Any]:
    """Ids of what answers it and of what it took the place of."""
    cursor = conn.cursor(row_factory=dict_row)
    await cursor.execute(SQL["what_came_of"], {"discovery_id": discovery_id})
    return await cursor.fetchone() or {}


async def _lately(conn: Connection, agent: str) -> tuple[int, int]:
    """How many it stored within the hour, and the seconds until one of them is forgotten."""
    found = await (await conn.execute(SQL["stored_lately"], {"agent": agent})).fetchone()
    return (int(found[0]), int(found[1])) if found else (0, 0)


async def _left(conn: Connection, agent: str) -> int:
    count, seconds = await _lately(conn, agent)
    if count >= STORES_PER_HOUR:
        raise TooMany(agent, [(STORES_PER_HOUR, 3600)], seconds)
    return STORES_PER_HOUR - count


def _same(known: Found, agent: str, said: StoreDiscovery) -> None:
    """A repeat says the same; what was changed since is not asked."""
    told = (agent, said.response_to, said.confidence, said.provenance)
    if told != (known.agent_id, known.response_to, known.confidence, known.provenance) or (
        known.updated_at == known.created_at
        and (said.summary, said.details) != (known.summary, known.details)
    ):
        raise Conflict(
            f"discovery {known.discovery_id!r}: there is another of this id",
            "leave discovery_id out to be given a new one",
        )


async def _require(conn: Connection, where: str, ids: Sequence[str]) -> None:
    if not ids:
        return
    rows = await conn.execute(SQL["known_discoveries"], {"ids": list(ids)})
    known = {found for (found,) in await rows.fetchall()}
    for each in ids:
        if each not in known:
            raise Refused(f"{where}: no discovery {each!r}", "search_discoveries finds ids")


async def _hold(conn: Connection, caller: Caller, discovery_id: str) -> str | None:
    """Lock it for a change by its finder or an operator; gives what took its place."""
    found = await conn.execute(SQL["hold_discovery"], {"discovery_id": discovery_id})
    row = await found.fetchone()
    if row is None:
        raise _unknown(discovery_id)
    if row[0] != caller.named() and Right.OPERATE not in caller.rights:
        raise Forbidden(
            f"discovery {discovery_id!r}: was found by {row[0]!r}",
            "store your own and link it, or answer it with response_to",
        )
    return None if row[1] is None else str(row[1])


def _unknown(discovery_id: str) -> NotFound:
    return NotFound(f"no discovery {discovery_id!r}", "search_discoveries finds ids")
