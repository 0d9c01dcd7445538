"""The graph repeats what came: discoveries by the knowledge room's rebuild, disputes one by one."""

import asyncio
from typing import Final

import psycopg
from psycopg.rows import dict_row

from apps.governance.dialectic.rows import draw, into_graph
from apps.governance.knowledge import load as knowledge
from apps.legacy.disputes import SQL
from apps.legacy.ledger import SQL as LEDGER
from apps.postgres import Connection

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
    cursor = conn.cursor(row_factory=dict_row)
    await cursor.execute(SQL["not_drawn"])
    for session in await cursor.fetchall():
        async with conn.transaction():
            await cursor.execute(SQL["messages_of"], {"session": session["session_id"]})
            messages = await cursor.fetchall()
            await draw(conn, session, {message["agent"] for message in messages})
            for message in messages:
                await into_graph(conn, "graph_message", message)
