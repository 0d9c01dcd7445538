"""The room of the knowledge graph, alive in this process on a database of the test's own."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager

import psycopg
import pytest

from apps.bridge.body import read
from apps.bridge.tool import ALL, Caller
from apps.governance.desk import Desk
from apps.governance.knowledge.tools import Knowledge
from apps.governance.trails import Trails
from apps.postgres import PostgresSettings, pool


@asynccontextmanager
async def trails(told, path):
    """The trail, written and indexed; all of it, when it ends."""
    made = Trails(told, path)
    await made.begin()
    tasks = [asyncio.create_task(work) for _, work in made.works()]
    try:
        yield made.audit
    finally:
        await made.close(*tasks)


class Room:
    """Calls its tools as the doors do: arguments as JSON in, the answer as JSON out."""

    def __init__(self, database, folder) -> None:
        self.database = database
        self.path = folder / "audit_log.jsonl"

    def run(self, do: Callable):
        """Whatever ``do`` gives, given a function that calls a tool."""

        async def within():
            told = PostgresSettings(url=self.database.app, min_conn=2, max_conn=10)
            async with pool(told) as store, trails(told, self.path) as audit:
                room = Knowledge(Desk(store), audit)
                tools = {tool.name: tool for tool in room.tools()}

                async def call(name, who="lumen", rights=ALL, **arguments):
                    asked = read(tools[name].takes, json.dumps(arguments), "arguments")
                    answer = await tools[name].run(Caller(who, None, rights), asked)
                    assert isinstance(answer, tools[name].gives)
                    return answer.model_dump(mode="json")

                return await do(call)

        return asyncio.run(within())

    def __call__(self, name, who="lumen", rights=ALL, **arguments):
        """One call of a tool."""

        async def once(call):
            return await call(name, who, rights, **arguments)

        return self.run(once)

    def rows(self, query: str, *given) -> list[tuple]:
        """What the database holds, as its superuser sees it."""
        with psycopg.connect(self.database.admin, autocommit=True) as conn:
            return conn.execute(query, given or None).fetchall()

    def graph(self) -> tuple[list, list]:
        """Every vertex and every edge: label and properties, label and the keys of its ends."""
        vertices = {
            graphid: (label, json.loads(text))
            for graphid, label, text in self.rows(
                "SELECT v.id::ag_catalog.agtype::text, c.relname,"
                " ag_catalog.agtype_out(v.properties)::text"
                " FROM governance_graph._ag_label_vertex AS v"
                " JOIN pg_class AS c ON c.oid = v.tableoid"
            )
        }
        key = {graphid: p.get("id", p.get("name")) for graphid, (_, p) in vertices.items()}
        edges = self.rows(
            "SELECT c.relname, e.start_id::ag_catalog.agtype::text,"
            " e.end_id::ag_catalog.agtype::text, ag_catalog.agtype_out(e.properties)::text"
            " FROM governance_graph._ag_label_edge AS e JOIN pg_class AS c ON c.oid = e.tableoid"
        )
        return (
            sorted(vertices.values(), key=str),
            sorted(
                (label, key.get(a), key.get(b), json.loads(text)) for label, a, b, text in edges
            ),
        )


@pytest.fixture
def room(governance_database, tmp_path) -> Room:
    """For tests that change something."""
    return Room(governance_database, tmp_path)


@pytest.fixture(scope="module")
def shared_room(shared_database, tmp_path_factory) -> Iterator[Room]:
    """For a file whose tests add each their own and change nothing of another's."""
    return Room(shared_database, tmp_path_factory.mktemp("room"))
