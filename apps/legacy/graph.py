"""The graph repeats what came: discoveries by the knowledge room's rebuild, and disputes."""

import asyncio
from pathlib import Path
from typing import Final

import psycopg

from apps.governance.knowledge import load as knowledge
from apps.governance.knowledge.graph import put_agents
from apps.legacy.ledger import SQL as LEDGER
from apps.postgres import Connection
from apps.queries import load

SQL: Final = load(Path(__file__).with_name("graph.sql"))
DRAWN: Final = (
    "draw_sessions", "drawn", "draw_paused", "draw_reviewers", "draw_messages", "drawn_messages",
    "draw_has_message", "draw_wrote",
)  # fmt: skip
OPTIONS: Final = "-c timezone=UTC -c lock_timeout=5000 -c statement_timeout=600000"


def repeat(database: str, directory: str) -> tuple[int, int]:
    """Vertices and edges of discoveries that were made, when any were due."""
    return asyncio.run(_repeat(database, directory))


async def _repeat(database: str, directory: str) -> tuple[int, int]:
    async with await psycopg.AsyncConnection.connect(
        database, autocommit=True, options=OPTIONS, connect_timeout=10
    ) as conn:
        made = await _discoveries(conn, directory)
        await _disputes(conn)
        return made


async def _discoveries(conn: Connection, directory: str) -> tuple[int, int]:
    found = await (await conn.execute(LEDGER["run"], {"directory": directory})).fetchone()
    if found is None or not found[1]:
        return 0, 0
    async with conn.transaction():
        made = await knowledge.rebuild(conn)
        await conn.execute(LEDGER["graph_is_made"], {"directory": directory})
    return made


async def _disputes(conn: Connection) -> None:
    """Vertices and edges of disputes that have none, straight into the label tables."""
    async with conn.transaction():
        await conn.execute(SQL["undrawn"])
        found = await (await conn.execute(SQL["speakers"])).fetchall()
        if not found:
            return
        agents = [agent for (agent,) in found]
        await put_agents(conn, agents)
        await conn.execute(SQL["agents"], {"agents": agents})
        for query in DRAWN:
            await conn.execute(SQL[query])
