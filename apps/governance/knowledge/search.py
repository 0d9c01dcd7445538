"""Discoveries by their words, by what only resembles these, by tags, by links and by answers."""

from pathlib import Path
from typing import Any, TypeVar

from psycopg.errors import ProgramLimitExceeded
from psycopg.rows import dict_row

from apps.governance.knowledge import store
from apps.postgres import Connection
from apps.queries import load
from schemas.errors import Refused
from schemas.governance.calls.knowledge import (
    Brief,
    Chain,
    ChainLink,
    Hit,
    Hits,
    Related,
    RelatedDiscoveries,
    Relations,
    ResponseChain,
    SearchDiscoveries,
)

SQL = load(Path(__file__).with_name("search.sql"))
Row = TypeVar("Row", bound=Brief)


async def search(conn: Connection, asked: SearchDiscoveries) -> Hits:
    """One more than is wanted is asked for, to know whether there are more."""
    given = asked.model_dump(mode="json") | {"tags": list(asked.tags), "limit": asked.limit + 1}
    if asked.query is None:
        return _hits(await _rows(conn, Hit, "newest", given), "newest", asked.limit)
    if asked.match in {"auto", "text"}:
        try:
            found = await _rows(conn, Hit, "search_text", given)
        except ProgramLimitExceeded:
            raise Refused("query: is too complex", "ask for fewer words at once") from None
        if found or asked.match == "text":
            return _hits(found, "text", asked.limit)
    await conn.execute(SQL["likeness"])
    return _hits(await _rows(conn, Hit, "search_fuzzy", given), "fuzzy", asked.limit)


async def related(conn: Connection, asked: RelatedDiscoveries) -> Relations:
    """What has tags or links in common with a discovery."""
    await store.one(conn, asked.discovery_id)
    return Relations(related=tuple(await _rows(conn, Related, "related", asked.model_dump())))


async def chain(conn: Connection, asked: ResponseChain) -> Chain:
    """The conversation that a discovery is part of, from its beginning."""
    await store.one(conn, asked.discovery_id)
    found = await conn.execute(SQL["root_of_chain"], {"discovery_id": asked.discovery_id})
    root, circular = await found.fetchone() or (asked.discovery_id, False)
    links = await _rows(conn, ChainLink, "chain", {"root": root, "limit": asked.limit + 1})
    more = len(links) > asked.limit
    return Chain(root=root, links=tuple(links[: asked.limit]), more=more, circular=circular)


async def _rows(conn: Connection, kind: type[Row], query: str, given: dict[str, Any]) -> list[Row]:
    cursor = conn.cursor(row_factory=dict_row)
    await cursor.execute(SQL[query], given)
    return [kind.model_validate(row) for row in await cursor.fetchall()]


def _hits(found: list[Hit], matched: Any, limit: int) -> Hits:
    return Hits(hits=tuple(found[:limit]), matched=matched, more=len(found) > limit)
