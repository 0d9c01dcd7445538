"""`where`: told from the declarations, verified in the stores, and never late."""

import json
import time
from urllib.parse import quote

import psycopg
import pytest

from apps.migrate.catalog import postgres
from apps.ops.undeclared import in_catalog
from schemas.governance.calls.where import WhereReply
from schemas.reach import Reach
from schemas.server import GOVERNANCE

SAID = {"agent": "lumen", "boot_id": "boot-0001", "seq": 1,
        "anima": {"warmth": 0.4, "clarity": 0.8, "stability": 0.9, "presence": 0.9}}  # fmt: skip


def where(governance, term, **given):
    """The answer of GET /v1/where."""
    asked = "&".join(
        f"{name}={quote(str(value))}" for name, value in {"term": term, **given}.items()
    )
    status, _, text = governance.ask("GET", f"/v1/where?{asked}")
    assert status == 200, text
    return WhereReply.model_validate_json(text).found


def told(database, *statements):
    """What the superuser does."""
    with psycopg.connect(database.admin, autocommit=True) as conn:
        for statement in statements:
            conn.execute(statement)


def test_it_tells_how_fresh_a_place_is_now(governance):
    """Empty first, then the age of what came; a message is as old as its row."""
    assert where(governance, "core.agent_state", limit=1)[0].live == "empty"
    assert governance.ask("POST", "/v1/checkins", json.dumps(SAID))[0] == 200
    (state,) = where(governance, "who owns core.agent_state?", limit=1)
    (message,) = where(governance, "CheckIn", limit=1)

    assert (state.owner, state.live) == ("mac", "there")
    assert 0 <= state.age_seconds < 10
    assert message.live == "there"
    assert state.read.startswith("docker exec -i postgres-age psql")


@pytest.mark.parametrize(
    ("term", "live"),
    [
        ("Discovery", "empty"),
        ("governance_ro", "there"),
        ("core.schema_migrations", "there"),
        ("core.probe", "there"),
        ("audit_log.jsonl", "there"),
        ("governance_checkins_total", "there"),
        # The app may not look through Redis, and nobody but a Pi writes to a Pi.
        ("session:{session_id}", "not asked"),
        ("drawing_history", "not asked"),
        ("audit.partitions", "not asked"),
    ],
)
def test_each_store_is_asked_that_can_be(shared, term, live):
    """By the process itself, with the rights that it has anyway."""
    assert where(shared, term, limit=1)[0].live == live


@pytest.fixture(scope="module")
def shared(shared_database, tmp_path_factory):
    """One process for questions that change nothing."""
    from tests.database.governance.conftest import Governance  # noqa: PLC0415

    made = Governance(tmp_path_factory.mktemp("where"), shared_database)
    try:
        yield made.ready()
    finally:
        made.end(9)


def test_a_declared_table_that_is_gone_is_missing(governance):
    """The declaration still answers; the store contradicts it."""
    told(governance.database, "DROP TABLE core.discovery_links")

    assert where(governance, "core.discovery_links", limit=1)[0].live == "missing"


def test_a_locked_table_holds_up_nobody(governance):
    """Its age is not told; the place is."""
    with psycopg.connect(governance.database.admin) as holder:
        holder.execute("LOCK TABLE core.discoveries, core.identities")
        begun = time.monotonic()
        found = where(governance, "core.discoveries", limit=3)
        took = time.monotonic() - begun

    assert (found[0].place, found[0].live) == ("core.discoveries", "no answer")
    assert took < 3


def test_the_tool_says_the_same_and_the_lan_needs_a_token(shared):
    """One handler behind three doors."""
    is_error, said = shared.call("where", {"term": "drawing_histroy", "limit": 1})
    status, _, text = shared.ask(
        "POST", "/v1/tools/where", '{"term": "drawing_histroy", "limit": 1}'
    )

    assert not is_error
    assert status == 200
    assert said["found"] == json.loads(text)["found"]
    assert said["found"][0]["place"] == "drawing_history"
    assert shared.ask("GET", "/v1/where?term=outbox", door="lan")[0] == 401
    bearer = {"Authorization": "Bearer token-of-lumen"}
    assert shared.ask("GET", "/v1/where?term=outbox", headers=bearer, door="lan")[0] == 200


@pytest.mark.parametrize("query", ["", "?term=", "?term=a&limit=0", "?term=a&depth=1",
                                   "?term=a&term=b", "?term=" + "a" * 201])  # fmt: skip
def test_a_question_that_is_none_is_refused(shared, query):
    """Before anybody is asked."""
    assert shared.ask("GET", f"/v1/where{query}")[0] in {400, 422}


def test_commands_are_of_the_house_that_deployed_it(start, tmp_path):
    """The file names containers; without it they have plain names."""
    reach = Reach(postgres=("docker", "exec", "-i", "dev-postgres-age"))
    (tmp_path / "reach.json").write_text(reach.model_dump_json())
    governance = start(GOVERNANCE_REACH_FILE=str(tmp_path / "reach.json")).ready()

    assert " dev-postgres-age psql " in where(governance, "core.probe", limit=1)[0].read


def test_a_reach_that_cannot_be_read_ends_the_start(start, tmp_path):
    """By name, before the doors open."""
    (tmp_path / "reach.json").write_text('{"key": "x"}')
    code, log = start(GOVERNANCE_REACH_FILE=str(tmp_path / "reach.json")).process.communicate()

    assert "GOVERNANCE_REACH_FILE" in log
    assert "is not as declared" in log
    del code


STRAYS = {
    "table core.notes": "CREATE TABLE core.notes (a integer)",
    "column core.probe.note": "ALTER TABLE core.probe ADD COLUMN note text",
    "view core.peek": "CREATE VIEW core.peek AS SELECT 1 AS one",
    "function core.f()": "CREATE FUNCTION core.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "role eve": "CREATE ROLE eve",
    "label governance_graph.Stray": "SELECT ag_catalog.create_vlabel('governance_graph', 'Stray')",
    "property governance_graph.Tag.mood": (
        'INSERT INTO governance_graph."Tag" (properties) VALUES (\'{"name": "x", "mood": 1}\')'
    ),
    "schema mine": "CREATE SCHEMA mine",
}


@pytest.mark.parametrize("stray", STRAYS)
def test_what_lives_in_postgres_undeclared_is_found(governance_database, stray):
    """Each kind alone, by its name."""
    with psycopg.connect(governance_database.admin, autocommit=True) as conn:
        before = {each.what for each in in_catalog(postgres.read(conn), GOVERNANCE)}
        with conn.transaction(force_rollback=True):
            conn.execute("SET LOCAL search_path = ag_catalog, pg_catalog")
            conn.execute(STRAYS[stray])
            after = {each.what for each in in_catalog(postgres.read(conn), GOVERNANCE)}

    assert stray in after - before
    # The scratch server of the tests has what a deployed one has not; nothing of the line.
    assert not {what for what in before if what.split()[0] in {"table", "column", "view", "label"}}
