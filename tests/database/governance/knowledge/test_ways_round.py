"""AGE 1.5 is no boundary, so no text of an agent may ever become a query; every known way is tried.

reliability.md 0.1: who reads a graph through cypher() writes it, even in a read-only transaction.
"""

import ast
import copy
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import psycopg
import pytest
from psycopg import errors

from apps.governance import knowledge
from apps.governance.knowledge.tools import Knowledge
from schemas.errors import HouseError
from tests.database.bridge.examples import BEFORE, EXAMPLES

WAYS = (
    # Out of a dollar-quoted text, whatever its tag.
    "$$", "$$ $$", "$q$", "$cypher$", "$1", "$query$) AS (a ag_catalog.agtype); DELETE FROM x; --",
    "$$) AS (r ag_catalog.agtype); DROP TABLE core.discoveries; --",
    "$cypher$, NULL) AS (known ag_catalog.agtype); TRUNCATE core.discovery_tags; --",
    # Out of a quoted text in Cypher, with and without a backslash.
    "'}) DETACH DELETE n //", "' }) SET n.status = 'archived' //", "\\'}) DETACH DELETE n //", "\\",
    "\\u0027}) MATCH (m) SET m.summary = 'taken' //", "' RETURN n UNION MATCH (n) DELETE n //",
    '"}) MATCH (n) DETACH DELETE n RETURN n //', "`) DETACH DELETE (`", "/* */ MATCH (n) DELETE n",
    "MATCH (n) SET n.status = 'archived'", "MATCH (n) DETACH DELETE n", "CREATE (:Agent {id: 'x'})",
    # Out of a quoted text in SQL.
    "'; DROP TABLE core.discoveries; --", "'; COMMIT; DROP TABLE core.discoveries; --",
    "COMMIT; DROP TABLE core.discoveries", "ROLLBACK; DELETE FROM core.discoveries; BEGIN",
    "' OR 1 = 1 --", "' UNION SELECT password FROM pg_shadow --",
    "\u02bc; DROP TABLE core.probe; --",
    "') ; SET ROLE governance_owner; --", "'; SET search_path = public; --", "E'\\\\'",
    # To the files and programs of the server.
    "x FROM pg_read_file('/etc/passwd')", "'||pg_read_file('/etc/passwd')||'",
    "'; COPY core.discoveries TO PROGRAM 'touch /tmp/taken'; --",
    "ag_catalog.load_labels_from_file('governance_graph', 'Tag', '/etc/passwd')",
    "'; SELECT lo_import('/etc/passwd'); --",
    "'; DO $x$ BEGIN DROP SCHEMA core CASCADE; END $x$; --",
    # What means something to psycopg, to agtype, to text search or to trigrams.
    "%s", "%(agent)s", "%%", "{agent}", "::vertex", '{"id": 1, "label": "Agent"}::vertex',
    '[{"id": 1}]::path', '"x"}::edge', "1::numeric", "a' & !'b", "<-> :* | &", "a:*A", "<% %>",
)  # fmt: skip
FREE = frozenset({"summary", "details", "tags", "references_files", "provenance", "query", "key"})
"""Texts that may hold anything: two neighbours have every way. Of ids every fifth way will do."""
CHANGE = frozenset({"store_discovery", "update_discovery", "supersede_discovery"})


@pytest.fixture
def told(room):
    """The room with a few discoveries, told as the official client tells them."""
    for name, arguments in (*BEFORE, ("store_discovery", EXAMPLES["store_discovery"])):
        room(name, **arguments)
    return room


def ours() -> dict[str, type]:
    """Tool to what it takes."""
    return {tool.name: tool.takes for tool in Knowledge(None, None).tools()}


def leaves(schema: dict, whole: dict | None = None, path: tuple = ()) -> Iterator[tuple]:
    """The path of every text that a model takes, its own keys and those of what is inside."""
    whole = whole or schema
    if "$ref" in schema:
        schema = whole["$defs"][schema["$ref"].rpartition("/")[2]]
    for way in schema.get("anyOf", ()):
        yield from leaves(way, whole, path)
    if schema.get("type") == "string":
        yield path
    elif schema.get("type") == "array":
        yield from leaves(schema["items"], whole, (*path, 0))
    elif "properties" in schema:
        for name, inner in schema["properties"].items():
            yield from leaves(inner, whole, (*path, name))
    elif schema.get("type") == "object":
        yield (*path, "key")


def with_text(arguments: dict, path: tuple, text: str) -> dict:
    """The arguments with a text put where the path leads."""
    told = copy.deepcopy(arguments)
    at = told
    for step, after in pairwise(path):
        inner = [] if after == 0 else {}
        if step == 0:
            at[:] = [inner]
        elif not isinstance(at.get(step), type(inner)):
            at[step] = inner
        at = at[step]
    if path[-1] == 0:
        at[:] = [text]
    else:
        at[path[-1]] = text
    return told


def tries(tool: str, takes: type) -> list[dict]:
    """Every way, in every text of a tool."""
    paths = sorted(set(leaves(takes.model_json_schema())), key=str)
    assert len(paths) >= 3, tool
    return [
        with_text(EXAMPLES[tool], path, way)
        for place, path in enumerate(paths)
        for way in (WAYS[place % 2 :: 2] if FREE & {*path} else WAYS[place % 5 :: 5])
    ]


def server(room) -> list:
    """What a way round would reach: relations, routines, roles and what they may, files."""
    return [
        room.rows(query)
        for query in (
            "SELECT oid::regclass::text, relkind, relacl::text FROM pg_class ORDER BY oid",
            "SELECT oid::regprocedure::text, proacl::text FROM pg_proc ORDER BY oid",
            "SELECT rolname, rolsuper, rolcanlogin FROM pg_roles ORDER BY oid",
            "SELECT count(*) FROM pg_largeobject_metadata",
            "SELECT name, setting FROM pg_settings WHERE name = 'search_path'",
            "SELECT * FROM core.agents ORDER BY 1",
            "SELECT pg_ls_dir FROM pg_ls_dir('/tmp') WHERE pg_ls_dir = 'taken'",
        )
    ]


def content(room) -> list:
    """Every row that knowledge is made of, and the whole graph."""
    tables = ("discoveries", "discovery_tags", "discovery_links", "discovery_files", "identities")
    rows = [
        room.rows(f"SELECT to_jsonb(t) - 'search' FROM core.{t} AS t ORDER BY 1") for t in tables
    ]
    return [*rows, room.graph()]


async def _tried(call, tool, told, who):
    """Each is answered or refused in a sentence; never an error of the database."""
    try:
        return await call(tool, who, **told)
    except HouseError as refused:
        return str(refused)


def test_no_text_in_a_question_changes_anything(told):
    """Every way, in every text of every tool that only asks."""
    before = server(told), content(told)
    asked = {tool: tries(tool, takes) for tool, takes in ours().items() if tool not in CHANGE}

    async def every(call):
        for tool, each in asked.items():
            for arguments in each:
                await _tried(call, tool, arguments, "lumen")

    told.run(every)

    assert len(asked) == 8
    assert sum(map(len, asked.values())) > 150
    assert (server(told), content(told)) == before


def test_a_text_in_a_change_is_a_text(told):
    """It is kept as it was told or refused whole; nothing else comes of it."""
    before = server(told)
    events = "SELECT count(*) FROM audit.events WHERE event_type = 'discovery_stored'"
    asked = [
        with_text(arguments, ("discovery_id",), None)
        if arguments["discovery_id"] == "d-1"
        else arguments
        for arguments in tries("store_discovery", ours()["store_discovery"])
    ]

    async def every(call):
        said = [
            await _tried(call, "store_discovery", arguments, f"agent{n}")
            for n, arguments in enumerate(asked)
        ]
        for tool in ("update_discovery", "supersede_discovery"):
            for arguments in tries(tool, ours()[tool]):
                await _tried(call, tool, arguments, "lumen")
        return said

    said = told.run(every)

    names = ("summary", "details", "tags", "references_files", "provenance")
    kept = 0
    for arguments, answer in zip(asked, said, strict=True):
        if isinstance(answer, dict):
            kept += 1
            found = answer["discovery"]
            assert {n: found[n] for n in names if arguments.get(n)} == {
                n: arguments[n] for n in names if arguments.get(n)
            }
    assert kept > len(WAYS) * 2
    assert told.rows("SELECT count(*) FROM core.discoveries") == [(kept + 2,)]
    assert told.rows(events) == [(kept + 2,)]
    assert told("knowledge_stats")["graph_agrees"]
    agents = [f"agent{n}" for n in range(len(asked))] + ["lumen"]
    strangers = "SELECT agent_id FROM core.identities WHERE agent_id <> ALL(%s)"
    assert told.rows(strangers, agents) == []
    after = server(told)
    assert [a for n, a in enumerate(after) if n != 5] == [b for n, b in enumerate(before) if n != 5]


CYPHER = "SELECT r FROM ag_catalog.cypher('governance_graph', $$ {} $$) AS (r ag_catalog.agtype)"
GRAPH_WAYS = (
    *map(CYPHER.format, (
        "MATCH (n) RETURN n", "MATCH (n) SET n.x = 1 RETURN n", "MATCH (n) DETACH DELETE n",
        "CREATE (n:Tag) RETURN n", "MERGE (n:Tag {name: 'x'}) RETURN n",
    )),
    'SELECT * FROM governance_graph."Discovery"',
    "SELECT * FROM governance_graph._ag_label_vertex",
    'DELETE FROM governance_graph."Tag"',
    "SELECT ag_catalog.drop_graph('governance_graph', true)",
    "SELECT ag_catalog.create_graph('mine_too')",
    "SELECT ag_catalog.load_labels_from_file('governance_graph', 'Tag', '/etc/passwd')",
    "SELECT * FROM ag_catalog.ag_label",
    "SELECT nextval('governance_graph.\"Tag_id_seq\"')",
    "SET ROLE governance", "SET ROLE governance_owner", "SET SESSION AUTHORIZATION governance",
    "CREATE FUNCTION pg_temp.mine() RETURNS void LANGUAGE c AS 'age', 'cypher'",
)  # fmt: skip


@pytest.mark.parametrize("way", ["reader", "monitor"])
@pytest.mark.parametrize("begin", ["BEGIN", "BEGIN READ ONLY"])
def test_who_only_reads_cannot_enter_the_graph(told, way, begin):
    """Neither by cypher(), which would write, nor by its tables, nor as somebody else."""
    before = content(told)
    entered = []
    with psycopg.connect(getattr(told.database, way), autocommit=True) as conn:
        for path in ("pg_catalog", "ag_catalog, governance_graph, public"):
            conn.execute(f"SET search_path = {path}")
            for query in GRAPH_WAYS:
                conn.execute(begin)
                try:
                    conn.execute(query)
                except (errors.InsufficientPrivilege, errors.ReadOnlySqlTransaction):
                    conn.execute("ROLLBACK")
                else:
                    entered.append(query)
                    conn.execute("COMMIT")

    assert entered == []
    assert content(told) == before


def test_no_query_of_the_room_is_put_together():
    """Each statement is one of a .sql file, by its name; and none of them is Cypher."""
    folder = Path(knowledge.__file__).parent
    called = []
    for file in folder.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in {"execute", "executemany", "copy"}
                and not (isinstance(node.func.value, ast.Name) and node.func.value.id == "mirror")
            ):
                called.append(file.name)
                given = node.args[0]
                assert isinstance(given, ast.Subscript), f"{file.name}:{node.lineno}"
                assert getattr(given.value, "id", getattr(given.value, "attr", "")).upper() in {
                    "SQL", "AGENTS",
                }, f"{file.name}:{node.lineno}"  # fmt: skip
    assert len(called) > 25
    assert not [f.name for f in folder.glob("*.sql") if "cypher(" in f.read_text().lower()]


def test_these_ways_would_be_found_out(told):
    """The comparison sees a SET, a DELETE, a new table and a new right."""
    before = server(told), content(told)
    for change in (
        "UPDATE core.discoveries SET status = 'archived' WHERE discovery_id = 'd-1' RETURNING 1",
        'DELETE FROM governance_graph."Tag" RETURNING 1',
    ):
        told.rows(change)
        assert content(told) != before[1]
        before = before[0], content(told)
    with psycopg.connect(told.database.admin, autocommit=True) as conn:
        conn.execute("CREATE TABLE public.mine (a integer)")
    assert server(told) != before[0]
