"""The guide's own list of tables, columns, indexes and files: migrated, living, and found."""

import fnmatch
import time

import psycopg
import pytest

from apps.where.answer import answers
from schemas import ports
from schemas.reach import Reach
from schemas.soulfra import keys

TABLES = {
    "users": "id username email created_at subscription_tier emotional_credits",
    "loops": "loop_id creator_id whisper_origin consciousness_state emotional_tone created_at"
    " blessed fork_parent fork_depth",
    "agents": "agent_id owner_id archetype current_tone consciousness_score memory_depth"
    " created_at",
    "blessings": "id loop_id blessed_by blessing_type consensus_score timestamp metadata",
    "prophecies": "id prophecy_text author_agent fulfillment_status created_at fulfilled_at"
    " related_loops",
}
INDEXES = {
    "idx_loops_creator": "(creator_id)",
    "idx_loops_blessed": "(blessed) WHERE blessed",
    "idx_loops_created": "(created_at DESC)",
    "idx_blessings_loop": "(loop_id)",
    "idx_agents_owner": "(owner_id)",
}
IMPLIED = ("transformations", "guilds", "votes", "clusters", "credit_entries")
DEFAULTS = {
    ("users", "subscription_tier"): "'free'::text",
    ("users", "emotional_credits"): "1000",
    ("loops", "blessed"): "false",
    ("loops", "fork_depth"): "0",
    ("agents", "memory_depth"): "0",
    ("prophecies", "fulfillment_status"): "'pending'::text",
}
KEYS = {
    "loop:{loop_id}:state": "string",
    "loop:{loop_id}:consciousness": "string",
    "loop:{loop_id}:events": "list",
    "agent:{agent_id}:state": "string",
    "agent:{agent_id}:active": "string",
    "agent:{agent_id}:whispers": "list",
    "drift:global:index": "string",
    "drift:entity:{id}:rating": "string",
    "drift:critical:set": "set",
    "events:loop:created": "stream",
    "events:blessing:granted": "stream",
    "events:cluster:formed": "stream",
    "cache:forecast:{loop_id}": "string",
    "cache:rating:{entity_id}": "string",
    "cache:guild:{guild_id}": "string",
}
LIFETIMES = {
    "loop:{loop_id}:state": 3_600,
    "cache:forecast:{loop_id}": 300,
    "cache:rating:{entity_id}": 60,
    "cache:guild:{guild_id}": 600,
}
"""What the guide says; getLoop's is that of its code."""
COLUMNS = """
SELECT c.relname, a.attname, pg_get_expr(d.adbin, d.adrelid)
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0
  LEFT JOIN pg_catalog.pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
 WHERE c.relnamespace = 'soulfra'::regnamespace AND c.relkind IN ('r', 'p')
"""
INDEXED = """
SELECT c.relname, pg_get_indexdef(c.oid) FROM pg_catalog.pg_class AS c
 WHERE c.relnamespace = 'soulfra'::regnamespace AND c.relkind IN ('i', 'I')
"""


@pytest.fixture
def migrated(soulfra_template):
    """What asks the database that the migrations built."""
    with psycopg.connect(soulfra_template.reader) as conn:
        yield lambda query: conn.execute(query).fetchall()


@pytest.fixture
def living(standing):
    """What asks the lab's own database."""

    def ask(query):
        said = standing.docker(
            "exec", standing.called("postgres-age"),
            "psql", "-qAtX", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-d", "soulfra",
            "-c", query,
        )  # fmt: skip
        return [tuple(line.split("|")) for line in said.splitlines()]

    return ask


@pytest.mark.parametrize("where", ["migrated", "living"])
def test_every_table_column_and_index_of_the_guide_is_there(request, where):
    """With its name, its default and what it indexes."""
    ask = request.getfixturevalue(where)
    found = {(table, column): default or None for table, column, default in ask(COLUMNS)}
    indexes = dict(ask(INDEXED))

    wanted = {(table, column) for table, said in TABLES.items() for column in said.split()}
    assert wanted - found.keys() == set()
    assert {place: found[place] for place in DEFAULTS} == DEFAULTS
    assert {table for table, _ in found} >= set(IMPLIED)
    for name, columns in INDEXES.items():
        assert indexes[name].endswith(columns), name


def test_no_instant_is_without_its_zone(migrated):
    """The guide's plain TIMESTAMP means another instant in another zone."""
    kinds = migrated(
        "SELECT c.relname, a.attname FROM pg_catalog.pg_class AS c"
        " JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid"
        " WHERE c.relnamespace IN ('soulfra'::regnamespace, 'log'::regnamespace)"
        " AND a.atttypid = 'timestamp'::regtype"
    )
    assert kinds == []


def test_whoever_types_the_guides_queries_finds_its_tables(soulfra_template):
    """Without a schema before them."""
    with psycopg.connect(soulfra_template.app) as conn:
        for table in TABLES:
            assert conn.execute(f"SELECT count(*) FROM {table}").fetchall() == [(0,)]


@pytest.mark.parametrize(
    "place", [*TABLES, *(f"{t}.{c}" for t, said in TABLES.items() for c in said.split())]
)
def test_where_finds_each(place):
    """With its owner, its database and the command that reads it."""
    best, *_ = answers(f"soulfra.{place}", Reach())

    assert best.found.place == f"soulfra.{place}"
    assert best.found.store == "Postgres soulfra on the Mac"
    assert "-d soulfra" in best.found.read


FILES = {
    "runtime/loop_state.json": "runtime/loop_state.json",
    "runtime/drift_metrics.json": "runtime/drift_metrics.json",
    "runtime/execution_queue.json": "runtime/execution_queue.json",
    "agents/{agent_id}/memory.sqlite": "agents/*/memory.sqlite*",
    "agents/{agent_id}/state.json": "agents/<agent_id>/state.json",
    "agents/{agent_id}/reflections/": "agents/*/reflections/*",
    "consensus/blessed_loops.json": "consensus/blessed_loops.json",
    "consensus/voting_active.json": "consensus/voting_active.json",
    "consensus/guild_consensus.json": "consensus/guild_consensus.json",
    "ledger/prophecies.json": "ledger/prophecies.json",
    "ledger/blessings.json": "ledger/blessings.json",
    "ledger/transformations.json": "ledger/transformations.json",
    "archive/chatlogs/": "archive/chatlogs/*.jsonl.gz",
    "archive/mythology/": "archive/mythology/*.jsonl.gz",
    "archive/dissolved_clusters/": "archive/dissolved_clusters/*.jsonl.gz",
    "clusters/active/": "clusters/active/<cluster_id>.json",
    "clusters/mythology/": "clusters/mythology/<cluster_id>.json",
    "clusters/metrics.json": "clusters/metrics.json",
}
"""The guide's tree, each with the declaration that says of it."""
ALWAYS = {name for name in FILES if "{" not in name and not name.endswith("/")}
"""What lies there also while nobody is there."""


@pytest.mark.parametrize("name", FILES)
def test_where_finds_each_file_of_the_tree(name):
    """By its path as the guide writes it, and by the bare name of what is there once."""
    best, *_ = answers(name, Reach())
    declared, *_ = answers(f"soulfra's volume: {FILES[name]}", Reach())

    assert declared.found.place == f"soulfra's volume: {FILES[name]}"
    assert ports.SOULFRA_DATA_DIR in best.found.read
    if best.found.place != declared.found.place:  # the tables in it are asked for more often
        assert best.found.store.startswith("agents/{agent_id}/memory.sqlite")
    if name in ALWAYS - {"clusters/metrics.json"}:
        bare = name.rpartition("/")[2].removesuffix(".json")
        if bare not in {*TABLES, *IMPLIED}:  # a table is asked for more often than a copy of it
            assert answers(bare, Reach())[0].found.place == best.found.place


def test_every_document_of_the_tree_lies_in_the_volume(standing):
    """Of the lab's own process, soon after it began; nothing lies there that is not declared."""
    until = time.monotonic() + 30
    find = ("exec", standing.called("soulfra"), "find", ports.SOULFRA_DATA_DIR, "-type", "f")
    while True:
        said = standing.docker(*find, "-printf", "%P\\n").splitlines()
        if set(said) >= ALWAYS or time.monotonic() > until:
            break
        time.sleep(1)

    assert set(said) >= ALWAYS
    known = [
        each.replace("<agent_id>", "*").replace("<cluster_id>", "*") for each in FILES.values()
    ]
    known += ["tree.json", ".tree.lock", "archive/*.json", "agents/*/archive/*", "*.new"]
    assert [name for name in said if not any(fnmatch.fnmatch(name, each) for each in known)] == []


@pytest.mark.parametrize("pattern", KEYS)
def test_each_key_is_declared_with_a_lifetime_and_found(pattern):
    """In soulfra's own Redis, and nowhere else."""
    [key] = [key for key in keys.KEYS if key.pattern == pattern]
    best, *_ = answers(pattern, Reach())

    assert key.kind == KEYS[pattern]
    assert key.lifetime_seconds == LIFETIMES.get(pattern, key.lifetime_seconds) > 0
    assert best.found.place == pattern
    assert "redis-soulfra" in best.found.read
