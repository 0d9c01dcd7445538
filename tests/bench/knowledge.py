"""``make bench-knowledge``: the graph against plain tables and Cypher, in the same run.

A server of its own from the lab's image, with fsync on; the other side has the same columns, keys
and indexes on jsonb. Medians, the two sides taking turns.
"""

import asyncio
import json
import random
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Final

import psycopg
from rich.console import Console
from rich.table import Table

from apps.governance.knowledge import mirror, walk
from apps.governance.knowledge.told import Node
from apps.migrate import runner
from apps.migrate.lines import line
from apps.postgres import Connection
from schemas.governance.server import LOGINS
from tests.bench.migrate import server

RUNS: Final = 7
DISCOVERIES, EDGES = 1063, 5218
"""As many as upstream had."""
VERTICES, LINKS = 20_000, 100_000
DATABASE = (
    *(f"CREATE ROLE {login.role} LOGIN" for login in LOGINS),
    "CREATE DATABASE bench OWNER governance_owner",
    "ALTER DATABASE bench SET session_preload_libraries = 'age'",
    "ALTER DATABASE bench SET TimeZone = 'UTC'",
)
EXTENSIONS = (
    "CREATE EXTENSION age",
    "CREATE SCHEMA trgm",
    "CREATE EXTENSION pg_trgm SCHEMA trgm",
    "GRANT USAGE ON SCHEMA ag_catalog, trgm TO governance_owner WITH GRANT OPTION",
    "GRANT SELECT ON ag_catalog.ag_graph, ag_catalog.ag_label TO governance_owner",
    "GRANT CREATE ON DATABASE bench TO governance_owner",
)
PLAIN = """
CREATE SCHEMA plain;
CREATE TABLE plain.agents (id bigint GENERATED ALWAYS AS IDENTITY, properties jsonb NOT NULL);
CREATE TABLE plain.tags (LIKE plain.agents INCLUDING IDENTITY);
CREATE TABLE plain.discoveries (LIKE plain.agents INCLUDING IDENTITY);
CREATE UNIQUE INDEX ON plain.discoveries (id);
CREATE INDEX ON plain.discoveries USING gin (properties);
CREATE UNIQUE INDEX ON plain.discoveries ((properties -> 'id'));
CREATE INDEX ON plain.discoveries ((properties -> 'type'));
CREATE INDEX ON plain.discoveries ((properties -> 'status'));
CREATE UNIQUE INDEX ON plain.agents ((properties -> 'id'));
CREATE UNIQUE INDEX ON plain.tags ((properties -> 'name'));
CREATE TABLE plain.discovered (
    id bigint GENERATED ALWAYS AS IDENTITY, start_id bigint NOT NULL, end_id bigint NOT NULL,
    properties jsonb NOT NULL DEFAULT '{}');
CREATE UNIQUE INDEX ON plain.discovered (id);
CREATE INDEX ON plain.discovered (start_id);
CREATE INDEX ON plain.discovered (end_id);
CREATE TABLE plain.has_tag (LIKE plain.discovered INCLUDING ALL);
CREATE TABLE plain.related_to (LIKE plain.discovered INCLUDING ALL);
"""
HOPS = """SELECT DISTINCT c.end_id
  FROM {table} AS a
  JOIN {table} AS b ON b.start_id OPERATOR({schema}.=) a.end_id
  JOIN {table} AS c ON c.start_id OPERATOR({schema}.=) b.end_id
 WHERE a.start_id OPERATOR({schema}.=) %s::{kind}"""
FILLED = ", ".join(
    [f'governance_graph."{name}"'
     for name in ("Agent", "Tag", "Discovery", "DISCOVERED", "HAS_TAG", "RELATED_TO")]
    + [f"plain.{name}"
       for name in ("agents", "tags", "discoveries", "discovered", "has_tag", "related_to")]
)  # fmt: skip
CYPHER = """SELECT r FROM ag_catalog.cypher('governance_graph', $q$
       MATCH (a:Discovery {id: $a}), (b:Discovery {id: $b})
       CREATE (a)-[e:RELATED_TO]->(b) RETURN id(e) $q$, %s) AS (r ag_catalog.agtype)"""

Work = Callable[[], Awaitable[None]]


def nodes(discoveries: int, edges: int) -> list[Node]:
    """So many discoveries, and edges with their agents, tags and links."""
    dice = random.Random(3)
    links = [0] * discoveries
    for _ in range(edges - 3 * discoveries):
        links[dice.randrange(20, discoveries)] += 1
    names = [f"2025-12-01T00:00:00.{n:06}" for n in range(discoveries)]
    return [
        Node.model_validate({
            "id": name, "agent_id": f"agent{n % 40}", "type": "note", "severity": "low",
            "summary": f"it was found out that {n} follows {n - 1}", "timestamp": f"{name}Z",
            "tags": [f"t{n % 97}", f"u{n % 31}"], "related_to": dice.sample(names[:n], links[n]),
        })
        for n, name in enumerate(names)
    ]  # fmt: skip


async def fill_plain(conn: Connection, told: list[Node]) -> None:
    """What ``mirror.fill`` does, into plain tables: vertices, their ids, then the edges."""
    for table, key, texts in (
        ("agents", "id", sorted({n.agent_id for n in told})),
        ("tags", "name", sorted({tag for n in told for tag in n.tags})),
    ):
        rows = ((json.dumps({key: text}),) for text in texts)
        await copied(conn, f"COPY plain.{table} (properties) FROM STDIN", rows)
    rows = ((mirror.vertex(node),) for node in told)
    await copied(conn, "COPY plain.discoveries (properties) FROM STDIN", rows)
    ids = {}
    for table, key in (("agents", "id"), ("tags", "name"), ("discoveries", "id")):
        found = await conn.execute(f"SELECT properties ->> '{key}', id FROM plain.{table}")
        ids[table] = dict(await found.fetchall())
    ties = {
        "discovered": [(ids["agents"][n.agent_id], ids["discoveries"][n.id]) for n in told],
        "has_tag": [(ids["discoveries"][n.id], ids["tags"][t]) for n in told for t in n.tags],
        "related_to": [
            (ids["discoveries"][n.id], ids["discoveries"][i]) for n in told for i in n.related_to
        ],
    }
    for table, each in ties.items():
        await copied(conn, f"COPY plain.{table} (start_id, end_id) FROM STDIN", each)


async def copied(conn: Connection, query: str, rows) -> None:
    """Fill a table."""
    async with conn.cursor().copy(query) as sink:
        for row in rows:
            await sink.write_row(row)


async def timed(work: Work) -> float:
    """Seconds."""
    begun = time.perf_counter()
    await work()
    return time.perf_counter() - begun


async def imported(conn: Connection, told: list[Node]) -> tuple[float, float]:
    """Seconds of the graph, and of the plain tables, each empty before; the graph's stays."""

    async def fresh(fill: Callable[[Connection, list[Node]], Awaitable[object]]) -> float:
        await conn.execute(f"TRUNCATE {FILLED}")
        begun = time.perf_counter()
        async with conn.transaction():
            await fill(conn, told)
        return time.perf_counter() - begun

    taken = [(await fresh(mirror.fill), await fresh(fill_plain)) for _ in range(RUNS)]
    await fresh(mirror.fill)
    ours, theirs = (statistics.median(each) for each in zip(*taken, strict=True))
    return ours, theirs


async def measured(conn: Connection):
    """What was measured: ours, theirs, the least or most that the ratio may be."""
    await conn.execute("INSERT INTO core.identities (agent_id)"
                       " SELECT 'agent' || n FROM generate_series(0, 39) AS n")  # fmt: skip
    ours_s, theirs_s = await imported(conn, nodes(VERTICES, LINKS))
    count = VERTICES + LINKS
    yield "import of 120,000, rows/s", count / ours_s, "COPY", count / theirs_s, ">=", 0.7
    told = nodes(DISCOVERIES, EDGES)
    ours_s, theirs_s = await imported(conn, told)
    count = DISCOVERIES + EDGES
    yield "import of 6,281, rows/s", count / ours_s, "COPY", count / theirs_s, ">=", 0.7
    yield "import of 6,281, s", ours_s, "", 1.0, "<=", 1.0
    pairs = [(told[n].id, told[n + 1].id) for n in range(40)]

    async def one_by_one() -> None:
        for a, b in pairs:
            await conn.execute(CYPHER, [json.dumps({"a": a, "b": b})])

    await conn.execute("SET search_path = pg_catalog, ag_catalog")
    slow = len(pairs) / await timed(one_by_one)
    await conn.execute("SET search_path = pg_catalog")
    yield "import, edges/s", count / ours_s, "Cypher, one by one", slow, ">=", 100

    starts = await many(conn)
    graph = HOPS.format(
        table='governance_graph."RELATED_TO"', schema="ag_catalog", kind="ag_catalog.graphid"
    )
    plain = HOPS.format(table="plain.related_to", schema="pg_catalog", kind="bigint")
    dice = random.Random(5)

    async def hops(query: str, start: str) -> None:
        await (await conn.execute(query, [start])).fetchall()

    samples = []
    for _ in range(200):
        start = dice.choice(starts)
        samples.append((
            await timed(lambda start=start: hops(graph, start)),
            await timed(lambda start=start: hops(plain, start)),
        ))  # fmt: skip
    age, rel = (statistics.median(each) * 1000 for each in zip(*samples, strict=True))
    yield "3 hops, ms", age, "joins", rel, "<=", 1.3
    yield "3 hops, ms", age, "", 1.0, "<=", 5.0

    asked = [f"n{dice.randrange(VERTICES)}" for _ in range(100)]
    walks = [await timed(lambda key=key: _around(conn, key)) for key in asked]
    yield "neighbourhood tool, 100 vertices, ms", statistics.median(walks) * 1000, "", 1.0, "<=", 50


async def _around(conn: Connection, key: str) -> None:
    asked = walk.Neighbourhood.model_validate({"around": {"key": key}, "hops": 3, "limit": 100})
    async with conn.transaction():
        await walk.around(conn, asked)


async def many(conn: Connection) -> list[str]:
    """20,000 vertices with 100,000 edges at random, the same in both; gives AGE's ids."""
    await conn.execute('TRUNCATE governance_graph."Discovery", governance_graph."RELATED_TO"')
    rows = ((json.dumps({"id": f"n{n}", "summary": "-"}),) for n in range(VERTICES))
    await copied(conn, 'COPY governance_graph."Discovery" (properties) FROM STDIN', rows)
    found = await conn.execute('SELECT id FROM governance_graph."Discovery"')
    ids = [graphid for (graphid,) in await found.fetchall()]
    dice = random.Random(1)
    ties = [(dice.choice(ids), dice.choice(ids)) for _ in range(LINKS)]
    await conn.execute("TRUNCATE plain.related_to")
    for table in ('governance_graph."RELATED_TO"', "plain.related_to"):
        await copied(conn, f"COPY {table} (start_id, end_id) FROM STDIN", ties)
        await conn.execute(f"ANALYZE {table}")
    return ids


def main() -> int:
    """Measure and print."""
    with server() as dsn:
        with psycopg.connect(dsn, autocommit=True) as conn:
            for statement in DATABASE:
                conn.execute(statement)
        there = dsn.rpartition("/")[0] + "/bench"
        with psycopg.connect(there, autocommit=True) as conn:
            for statement in EXTENSIONS:
                conn.execute(statement)
        owner = there.replace("//postgres@", "//governance_owner@")
        runner.apply(line("governance"), owner)
        asyncio.run(_shown(owner))
    return 0


async def _shown(dsn: str) -> None:
    table = Table("knowledge", "ours", "beside it", "ratio", "target", "met")
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as conn:
        await conn.execute(PLAIN)
        await conn.execute("SET search_path = pg_catalog")
        async for what, ours, name, theirs, sign, limit in measured(conn):
            ratio = ours / theirs
            good = ratio >= limit if sign == ">=" else ratio <= limit
            beside = f"{name} {theirs:,.1f}" if name else ""
            unit = "x" if name else f" {what.rpartition(' ')[2]}"
            table.add_row(
                what, f"{ours:,.2f}", beside, f"{ratio:.2f}" if name else "",
                f"{sign} {limit:g}{unit}", "yes" if good else "NO",
            )  # fmt: skip
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main())
