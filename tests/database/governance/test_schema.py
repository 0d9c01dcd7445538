"""What the tables of governance take and refuse, told to the database itself."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

import psycopg
import pytest
from psycopg.errors import (
    CheckViolation,
    ForeignKeyViolation,
    RestrictViolation,
    UniqueViolation,
)

from apps.declared.field import fields
from schemas.governance import dialectic, knowledge, tables
from schemas.table import Table

TABLES: Final = {
    model.table: model for model in (*tables.TABLES, *knowledge.TABLES, *dialectic.TABLES)
}
ROWS: Final = """
INSERT INTO core.identities (agent_id, parent_agent_id) VALUES ('lumen', NULL), ('ember', 'lumen');
INSERT INTO core.sessions (session_id, identity_id, expires_at)
SELECT 's-1', identity_id, now() FROM core.identities WHERE agent_id = 'lumen';
INSERT INTO core.agent_state (
       identity_id, boot_id, seq, body_sha256, recorded_at, received_at, late, energy, integrity,
       entropy, void, coherence, regime, health, risk, action, margin, nearest_edge, reason,
       warmth, clarity, stability, presence, state_json)
SELECT identity_id, 'boot-0001', 1, sha256('a'), now(), now(), false, 0.5, 0.5, 0.5, 0, 0.5,
       'STABLE', 'healthy', 0.1, 'proceed', 'comfortable', 'risk', 'calm', 1, 1, 1, 1, '{}'
  FROM core.identities WHERE agent_id = 'lumen';
INSERT INTO audit.events (event_id, recorded_at, event_type)
VALUES (gen_random_uuid(), now(), 'told');
INSERT INTO audit.tool_usage (usage_id, recorded_at, tool_name)
VALUES (gen_random_uuid(), now(), 'health_check');
INSERT INTO audit.outcome_events (outcome_id, recorded_at, agent_id, outcome_type, is_bad)
VALUES (gen_random_uuid(), now(), 'lumen', 'test', false);
INSERT INTO audit.outcome_keys (agent_id, idempotency_key, body_sha256, outcome_id, recorded_at,
       is_bad)
VALUES ('lumen', 'once', sha256('a'), gen_random_uuid(), now(), false);
INSERT INTO audit.positions (trail, first_seq, read_bytes, seq, hash)
VALUES ('audit_log', 1, 0, 1, sha256('a'));
INSERT INTO audit.untold (event_id, recorded_at, event_type)
VALUES (gen_random_uuid(), now(), 'told');
INSERT INTO audit.anchors (trail, seq, day, hash) VALUES ('audit_log', 1, now()::date, sha256('a'));
ALTER TABLE audit.anchors DISABLE TRIGGER anchors_keep; -- the tests change every column
INSERT INTO core.calibration_versions (version, data, made_at, replaced_role)
VALUES (0, '{}', now(), 'x');
INSERT INTO core.tokens (identity_id, purpose, secret_sha256, rights, expires_at)
SELECT identity_id, 'access', sha256('a'), '{read}', now() FROM core.identities;
INSERT INTO core.discoveries (discovery_id, agent_id, type, summary, details)
VALUES ('d-1', 'lumen', 'insight', 'A quiet room', 'Drawings grow darker at night'),
       ('d-2', 'ember', 'answer', 'It is the lamp', '');
INSERT INTO core.discovery_tags (discovery_id, tag) VALUES ('d-1', 'light');
INSERT INTO core.discovery_links (discovery_id, related_id) VALUES ('d-1', 'd-2');
INSERT INTO core.discovery_files (file, sha256, form) VALUES ('f.json', sha256('f'), '{}');
INSERT INTO dialectic.sessions (session_id, paused_agent_id) VALUES ('x-1', 'lumen');
INSERT INTO dialectic.messages (session_id, seq, agent_id, message_type)
VALUES ('x-1', 0, 'lumen', 'thesis');
"""


@pytest.fixture
def rows(shared_database) -> Iterator[psycopg.Connection]:
    """A row in every table; gone after the test."""
    with psycopg.connect(shared_database.owner) as conn:
        conn.execute(ROWS)
        yield conn
        conn.rollback()


def refused(conn, statement: str, given: object, why: type[Exception] = CheckViolation) -> bool:
    """Whether the database says no."""
    try:
        with conn.transaction(force_rollback=True):
            conn.execute(statement, [given])
    except why:
        return True
    return False


def columns(*kinds: str) -> list[tuple[type[Table], str]]:
    """Every declared column of those kinds."""
    return [
        (model, field.name)
        for model in TABLES.values()
        for field in fields(model)
        if field.kind in kinds
    ]


@pytest.mark.parametrize("model", TABLES.values(), ids=TABLES)
def test_every_table_has_a_row_here(rows, model):
    """Else the tests below would say nothing of it."""
    if model.table == "audit.retired":
        rows.execute(
            "INSERT INTO audit.retired (parent, part, from_at, upto_at)"
            " VALUES ('audit.events', 'a', now(), now())"
        )
    assert rows.execute(f"SELECT count(*) FROM {model.table}").fetchone()[0] > 0


@pytest.mark.parametrize(
    "change",
    ["UPDATE audit.anchors SET hash = sha256('b')", "DELETE FROM audit.anchors",
     "TRUNCATE audit.anchors"],
)  # fmt: skip
def test_an_anchor_is_never_changed(rows, change):
    """Not even by its owner, as long as it does not mean to."""
    rows.execute("ALTER TABLE audit.anchors ENABLE TRIGGER anchors_keep")
    with pytest.raises(RestrictViolation, match="of what is anchored"):
        rows.execute(change)


@pytest.mark.parametrize(("model", "name"), columns("object", "array"))
def test_json_that_was_encoded_twice_is_refused(rows, model, name):
    """A string that looks like JSON, null, and the other shape."""
    kind = next(field.kind for field in fields(model) if field.name == name)
    good, other = ('{"a": 1}', "[1]") if kind == "object" else ('["a"]', '{"a": 1}')
    change = f"UPDATE {model.table} SET {name} = %s::jsonb"

    assert not refused(rows, change, good)
    for wrong in (f'"{other[0]}{other[-1]}"', '"{\\"a\\": 1}"', "null", "1", other):
        assert refused(rows, change, wrong), wrong


@pytest.mark.parametrize(("model", "name"), columns("words"))
def test_every_word_is_taken_and_no_other(rows, model, name):
    """A word that the database lacks would lose its meaning at run time."""
    words = next(field.words for field in fields(model) if field.name == name)
    change = f"UPDATE {model.table} SET {name} = %s"

    assert words
    for word in words:
        assert not refused(rows, change, word), word
        assert refused(rows, change, word.swapcase()), word
    assert refused(rows, change, "nominal")
    assert refused(rows, change, "")


def test_nothing_lies_in_public(shared_database):
    """Nor anywhere that is not ours."""
    with psycopg.connect(shared_database.owner) as conn:
        found = conn.execute(
            "SELECT DISTINCT relnamespace::regnamespace::text FROM pg_class"
            " WHERE relowner = 'governance_owner'::regrole"
            " AND relnamespace <> 'pg_toast'::regnamespace"
        ).fetchall()
    assert {place for (place,) in found} == {
        "core", "audit", "dialectic", "legacy", "governance_graph", "ledger",
    }  # fmt: skip


def test_a_status_is_told_whoever_changes_it(rows):
    """From the first on; what is not a change is not told."""
    story = (
        "SELECT e.status_before, e.status, e.role FROM core.lifecycle_events AS e"
        " JOIN core.identities AS i USING (identity_id)"
        " WHERE i.agent_id = 'lumen' ORDER BY e.event_id"
    )
    change = "UPDATE core.identities SET status = %s WHERE agent_id = 'lumen'"
    for status in ("paused", "paused", "active"):
        rows.execute(change, [status])
    rows.execute("UPDATE core.identities SET notes = 'calm'")

    assert rows.execute(story).fetchall() == [
        (None, "active", "governance_owner"),
        ("active", "paused", "governance_owner"),
        ("paused", "active", "governance_owner"),
    ]


def test_the_apps_new_agent_is_told_as_the_apps(shared_database):
    """It may not write the story itself."""
    with psycopg.connect(shared_database.app) as conn:
        conn.execute("INSERT INTO core.identities (agent_id) VALUES ('lumen')")
        told = conn.execute("SELECT status_before, status, role FROM core.lifecycle_events")
        assert told.fetchall() == [(None, "active", "governance")]
        conn.rollback()


def test_discoveries_are_found_by_their_words(rows):
    """Stemmed, the summary before the details; the index answers."""
    ask = (
        "SELECT discovery_id FROM core.discoveries, websearch_to_tsquery('english', %s) AS q"
        " WHERE search @@ q ORDER BY ts_rank(search, q) DESC"
    )
    assert rows.execute(ask, ["drawing at night"]).fetchall() == [("d-1",)]
    assert rows.execute(ask, ["lamps"]).fetchall() == [("d-2",)]
    rows.execute("SET enable_seqscan = off")
    plan = "\n".join(row[0] for row in rows.execute(f"EXPLAIN {ask}", ["lamps"]))
    assert "discoveries_search_idx" in plan


def test_a_discovery_that_goes_takes_its_tags_and_leaves_its_answers(rows):
    """An answer to nothing is still an answer of its kind."""
    rows.execute(
        "UPDATE core.discoveries SET response_to = 'd-1', response_type = 'support'"
        " WHERE discovery_id = 'd-2'"
    )
    rows.execute("DELETE FROM core.discoveries WHERE discovery_id = 'd-1'")

    left = "SELECT discovery_id, response_to, response_type FROM core.discoveries"
    assert rows.execute(left).fetchall() == [("d-2", None, "support")]
    for table in ("core.discovery_tags", "core.discovery_links"):
        assert rows.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE core.identities SET parent_agent_id = %s",
        "UPDATE core.discoveries SET agent_id = %s",
        "UPDATE core.discoveries SET response_type = 'support', response_to = %s",
        "UPDATE core.discovery_tags SET discovery_id = %s",
        "UPDATE core.discovery_links SET related_id = %s",
        "UPDATE dialectic.sessions SET paused_agent_id = %s",
        "UPDATE dialectic.sessions SET reviewer_agent_id = %s",
        "UPDATE dialectic.sessions SET discovery_id = %s",
        "UPDATE dialectic.messages SET session_id = %s",
        "UPDATE dialectic.messages SET agent_id = %s",
    ],
)
def test_what_points_at_nothing_is_refused(rows, change):
    """No agent, no dispute, no discovery of that name."""
    assert refused(rows, change, "nobody", ForeignKeyViolation)


@pytest.mark.parametrize(
    ("change", "given"),
    [
        ("UPDATE core.discoveries SET response_to = %s WHERE discovery_id = 'd-2'", "d-1"),
        ("UPDATE core.discovery_links SET related_id = %s", "d-1"),
        ("UPDATE audit.tool_usage SET error_type = %s", "timeout"),
        ("UPDATE core.discoveries SET summary = %s", ""),
        ("UPDATE core.discovery_tags SET tag = %s", ""),
    ],
)
def test_what_contradicts_itself_is_refused(rows, change, given):
    """An answer of no kind, a link to itself, a success with an error, and what says nothing."""
    assert refused(rows, change, given)


def test_a_place_in_a_dispute_is_taken_once(rows):
    """Two messages cannot both be the first."""
    again = (
        "INSERT INTO dialectic.messages (session_id, seq, agent_id, message_type)"
        " VALUES ('x-1', 0, %s, 'antithesis')"
    )
    assert refused(rows, again, "ember", UniqueViolation)


def test_the_app_may_read_the_operators_views(shared_database):
    """One row per identity; versions as numbers; usage under the name that the seeds promise."""
    with psycopg.connect(shared_database.app) as conn:
        conn.execute("INSERT INTO core.identities (agent_id) VALUES ('lumen'), ('ember')")
        conn.execute(
            "INSERT INTO audit.tool_usage (usage_id, recorded_at, tool_name)"
            " VALUES (gen_random_uuid(), now(), 'health_check')"
        )
        agents = conn.execute("SELECT agent_id, energy FROM core.agents ORDER BY 1").fetchall()
        usage = conn.execute("SELECT tool_name, success FROM core.tool_usage").fetchall()
        versions = conn.execute(
            "SELECT version, name, applied_at FROM core.schema_migrations ORDER BY 1"
        ).fetchall()
        conn.rollback()

    assert agents == [("ember", None), ("lumen", None)]
    assert usage == [("health_check", True)]
    assert [version for version, _, _ in versions] == list(range(1, len(versions) + 1))
    assert versions[0][1] == "create-core"
    assert timedelta(0) <= datetime.now(UTC) - versions[0][2] < timedelta(days=1)
