"""Identities, their sessions and their last states, out of both writers' files."""

from datetime import UTC, datetime
from hashlib import sha256

import psycopg
import pytest

from apps.legacy import ledger
from apps.legacy.backfill import backfill
from schemas.errors import Refused, Unreachable

AT = "2025-11-28T04:10:24.346843"
IN_DENVER = datetime(2025, 11, 28, 11, 10, 24, 346843, tzinfo=UTC)
AGENT = {"agent_id": "lumen", "status": "active", "created_at": AT, "last_update": AT}
STATE = {"agent_id": "lumen", "E": 0.0, "I": 0.0, "S": 0.0, "V": 0.0, "coherence": 0.0,
         "regime": "", "update_count": 7, "created_at": AT, "updated_at": AT,
         "state_json": "{}"}  # fmt: skip
B_AGENT = {"agent_id": "lumen", "api_key": "k", "created_at": AT}


def test_an_identity_comes_with_all_that_it_said(house, old):
    """What has no column stays beside, under its old name; times are those of the stated zone."""
    child = AGENT | {"agent_id": "child", "parent_agent_id": "lumen", "notes": "", "label": None,
                     "tags_json": '["a", ""]', "version": "v1", "total_updates": 2**62,
                     "purpose": "it's $$ \\N"}  # fmt: skip
    said = house.bring(old("A", agent_metadata=[child, AGENT]))

    assert said.is_whole
    assert house.ask(
        "SELECT agent_id, parent_agent_id, notes, label, tags, purpose, created_at,"
        " last_activity_at, metadata FROM core.identities ORDER BY agent_id"
    ) == [
        ("child", "lumen", "", None, ["a", ""], "it's $$ \\N", IN_DENVER, IN_DENVER,
         {"beside": {"version": "v1", "total_updates": 2**62, "response_completed": 0}}),
        ("lumen", None, None, None, [], None, IN_DENVER, IN_DENVER,
         {"beside": {"total_updates": 0, "response_completed": 0}}),
    ]  # fmt: skip


def test_what_cannot_be_held_is_named_and_the_rest_is_taken(house, old):
    """A status that nobody knows, a time that is none; tags and a parent by themselves."""
    folder = old("A", agent_metadata=[
        AGENT, AGENT | {"agent_id": "weird", "status": "weird"},
        AGENT | {"agent_id": "never", "created_at": "soon"},
        AGENT | {"agent_id": "orphan", "parent_agent_id": "nobody", "tags_json": "not json"},
        AGENT | {"agent_id": "nul\0"}, AGENT | {"agent_id": None}, AGENT | {"agent_id": b"\xff"},
    ])  # fmt: skip
    said = house.bring(folder)

    assert not said.is_whole
    assert said.rejected == 7
    assert house.reasons("agent_metadata") == {
        "weird": "status: 'weird' is none that the new house knows",
        "never": "created_at: 'soon' is no time",
        "nul\\0": "agent_id: holds a NUL",
        "null": "agent_id: is empty",
        "b'\\xff'": "agent_id: holds bytes",
    }
    assert house.reasons("agent_metadata.parent_agent_id") == {
        "orphan": "parent_agent_id: agent 'nobody' is not known"
    }
    assert house.reasons("agent_metadata.tags_json") == {
        "orphan": "tags_json: is no JSON that Postgres can hold"
    }
    assert house.ask("SELECT agent_id FROM core.identities ORDER BY 1") == [
        ("lumen",), ("orphan",)
    ]  # fmt: skip


def test_who_is_known_here_keeps_what_it_says(house, old):
    """Only what it does not say is filled in; its status is the new house's."""
    folder = old("A", agent_metadata=[AGENT | {"label": "Old", "purpose": "to draw"}])
    with psycopg.connect(house.database.owner) as db:
        db.execute("INSERT INTO core.identities (agent_id, label, status)"
                   " VALUES ('lumen', 'New', 'paused')")  # fmt: skip
    house.bring(folder)

    assert house.ask("SELECT label, purpose, status, created_at FROM core.identities") == [
        ("New", "to draw", "paused", IN_DENVER)
    ]


def test_a_state_keeps_zero_and_empty(house, old):
    """And core.agents shows it for who has not checked in here, without a verdict."""
    house.bring(old("A", agent_metadata=[AGENT], agent_state=[STATE]))

    assert house.ask(
        "SELECT energy, integrity, entropy, void, coherence, regime, last_recorded_at, health,"
        " last_received_at FROM core.agents"
    ) == [(0.0, 0.0, 0.0, 0.0, 0.0, "", IN_DENVER, None, None)]


@pytest.mark.parametrize("stability", [0.75, 0.9])
def test_a_state_of_the_second_writer_means_what_it_meant(house, old, stability):
    """S lay in entropy, E in the object; a stability that does not follow stays beside."""
    row = {
        "agent_id": "lumen", "recorded_at": AT, "entropy": 0.25, "integrity": 0.5,
        "stability_index": stability, "volatility": -0.0, "state_json": '{"E": 0.0}',
    }  # fmt: skip
    house.bring(old("B", agent_metadata=[B_AGENT], agent_state=[row]))

    beside = {} if stability == 0.75 else {"beside": {"stability_index": 0.9}}
    assert house.ask(
        "SELECT energy, integrity, entropy, void, state_json FROM legacy.agent_state"
    ) == [(0.0, 0.5, 0.25, 0.0, {"E": 0.0, **beside})]


def test_a_key_is_nowhere(house, old):
    """Neither an API key nor a session key; a session is told apart by its SHA-256."""
    session = {"session_key": "raw-session", "api_key": "raw-key", "bound_at": AT,
               "updated_at": AT}  # fmt: skip
    folder = old("A", agent_metadata=[AGENT | {"api_key": "raw-key",
                                               "active_session_key": "raw-session"}],
                 session_identities=[session | {"agent_id": "lumen"},
                                     session | {"session_key": "raw-two", "agent_id": "nobody"}],
                 )  # fmt: skip
    house.bring(folder)
    everything = house.one(
        "SELECT string_agg(query_to_xml(format('SELECT * FROM %s', c.oid::regclass), true, false,"
        " '')::text, '') FROM pg_class AS c WHERE c.relkind = 'r' AND c.relnamespace ="
        " ANY ('{core,audit,legacy,dialectic}'::regnamespace[])"
    )

    assert house.one("SELECT session_id FROM core.sessions") == sha256(b"raw-session").hexdigest()
    assert "raw-" not in everything
    assert sha256(b"raw-two").hexdigest() in everything


def test_another_zone_is_refused(house, old):
    """The same rows would come twice, some hours apart."""
    folder = old("A", agent_metadata=[AGENT])
    house.bring(folder)
    with pytest.raises(Refused, match="was begun with 'America/Denver'"):
        house.bring(folder, "UTC")
    with pytest.raises(Refused, match="is no zone"):
        house.bring(folder, "Nowhere/None")


def test_one_runs_at_a_time_and_a_server_that_is_gone_is_said_so(house, old):
    """Two would take each other's rows for there already; the lock goes with its holder."""
    folder = old("A", agent_metadata=[AGENT])
    with psycopg.connect(house.database.owner, autocommit=True) as other:
        other.execute(ledger.SQL["only_one"])
        with pytest.raises(Refused, match="another one runs"):
            house.bring(folder)
    assert house.bring(folder).is_whole
    with pytest.raises(Unreachable, match="does not answer"):
        backfill("postgresql://nobody@127.0.0.1:1/none", folder, "UTC")
