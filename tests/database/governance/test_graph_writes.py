"""What governance writes to the graph, it writes with its rows or not at all."""

import asyncio
import json
from contextlib import suppress
from datetime import UTC, datetime

import psycopg
import pytest

from apps.governance import graph
from apps.postgres import PostgresSettings, pool

BORN = datetime(2026, 1, 2, tzinfo=UTC)
CURSED = 'quotes \' " ` and \\ and $$ and $id and $cypher$ and {"a": [1]} and ünï¢ode 🜁'


def vertices(database) -> list[dict]:
    """The properties of every agent's vertex."""
    with psycopg.connect(database.admin) as conn:
        rows = conn.execute(
            'SELECT ag_catalog.agtype_out(properties)::text FROM governance_graph."Agent"'
        ).fetchall()
    return [json.loads(text) for (text,) in rows]


async def _in_pool(database, work):
    told = PostgresSettings(url=database.app, min_conn=2, max_conn=8)
    async with pool(told) as store:
        return await work(store)


def test_an_agent_is_one_vertex_however_often_it_is_told(governance_database):
    """More often than it takes for a statement to be prepared, and with any text for a name."""

    async def work(store):
        async with store.connection() as conn:
            for status in ["active"] * 12 + ["paused"]:
                async with conn.transaction():
                    await graph.know_agents(conn, {CURSED: (status, BORN)})

    asyncio.run(_in_pool(governance_database, work))

    told = {"id": CURSED, "status": "paused", "created_at": "2026-01-02T00:00:00+00:00"}
    assert vertices(governance_database) == [told]


def test_eight_writers_at_once_make_an_agent_once(governance_database):
    """None fails, none waits for ever, whatever order they name two agents in."""

    async def one(store, number):
        async with store.connection() as conn, conn.transaction():
            names = ("lumen", "ember") if number % 2 else ("ember", "lumen")
            await graph.know_agents(conn, dict.fromkeys(names, ("active", BORN)))

    async def work(store):
        await asyncio.gather(*(one(store, number) for number in range(8)))

    asyncio.run(_in_pool(governance_database, work))

    assert sorted(told["id"] for told in vertices(governance_database)) == ["ember", "lumen"]


def test_a_transaction_that_fails_leaves_no_vertex(governance_database):
    """Nor does the search path outlive it."""

    async def work(store):
        async with store.connection() as conn:
            with suppress(ZeroDivisionError):
                async with conn.transaction():
                    await graph.know_agents(conn, {"lumen": ("active", BORN)})
                    raise ZeroDivisionError
            return await (await conn.execute("SHOW search_path")).fetchone()

    assert asyncio.run(_in_pool(governance_database, work)) == ("pg_catalog",)
    assert vertices(governance_database) == []


def test_outside_of_a_transaction_nothing_is_written(governance_database):
    """The path would not be set for the next statement: AGE finds no operator."""

    async def work(store):
        async with store.connection() as conn:
            await graph.know_agents(conn, {"lumen": ("active", BORN)})

    with pytest.raises(psycopg.errors.UndefinedFunction):
        asyncio.run(_in_pool(governance_database, work))
