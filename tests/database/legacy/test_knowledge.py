"""Discoveries with tags and links, disputes with what was said in them, and the graph of both."""

import asyncio
import json
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from apps.governance.dialectic.rows import read, rows
from apps.governance.dialectic.transcript import alike, put_together
from apps.legacy.verify.verify import verify

SHARED = Path(__file__).resolve().parents[4] / "shared"
REAL = next((p for p in (Path("/work/shared/data"), SHARED / "data") if p.is_dir()), None)
AT = "2025-11-28T04:10:24.346843"
IN_DENVER = datetime(2025, 11, 28, 11, 10, 24, 346843, tzinfo=UTC)
AGENT = {"agent_id": "lumen", "status": "active", "created_at": AT, "last_update": AT}
FOUND = {"id": "one", "agent_id": "lumen", "type": "insight", "severity": "low", "created_at": AT,
         "summary": "it's $$ \\ \"so\"", "confidence": 0.0}  # fmt: skip
EDGE = {"src_id": "one", "dst_id": "two", "edge_type": "related_to", "created_at": AT}
NODE = {"id": "one", "agent_id": "lumen", "type": "insight", "summary": "so", "tags": ["a"],
        "severity": None, "timestamp": AT, "status": "open", "related_to": []}  # fmt: skip


def graph_file(folder, *nodes):
    """A knowledge_graph.json."""
    folder.mkdir(exist_ok=True)
    told = {node["id"]: node for node in nodes}
    (folder / "knowledge_graph.json").write_text(json.dumps({"version": "1.0", "nodes": told}))
    return folder


def test_discoveries_come_with_tags_and_links(house, old):
    """What a link cannot hold stays beside its source; an orphan is named."""
    folder = old(
        "K", "knowledge.db",
        discoveries=[FOUND, FOUND | {"id": "two"}, FOUND | {"id": "bad", "type": "made_up"}],
        discovery_tags=[{"discovery_id": "one", "tag": "a"}, {"discovery_id": "one", "tag": ""},
                        {"discovery_id": "none", "tag": "a"}],
        discovery_edges=[
            EDGE | {"weight": 0.0}, EDGE | {"dst_id": "nothing"}, EDGE | {"dst_id": "one"},
            EDGE | {"src_id": "two", "dst_id": "one", "edge_type": "response_to",
                    "response_type": "extend", "metadata": "{}",
                    "created_at": "2025-11-29T00:00:00"},
            EDGE | {"edge_type": "superseded_by"},
        ],
    )  # fmt: skip
    said = house.bring(folder)

    assert house.ask(
        "SELECT discovery_id, summary, created_at, confidence, response_to, response_type,"
        " superseded_by, metadata FROM core.discoveries ORDER BY 1"
    ) == [
        ("one", FOUND["summary"], IN_DENVER, 0.0, None, None, "two",
         {"beside": {"edges": {"related_to two": {"weight": 0.0}}}}),
        ("two", FOUND["summary"], IN_DENVER, 0.0, "one", "extend", None,
         {"beside": {"edges": {"response_to one": {
             "response_type": "extend", "weight": 1.0, "metadata": "{}",
             "created_at": "2025-11-29T07:00:00.000000Z"}}}}),
    ]  # fmt: skip
    assert house.ask("SELECT discovery_id, tag FROM core.discovery_tags") == [("one", "a")]
    assert house.ask("SELECT discovery_id, related_id FROM core.discovery_links") == [
        ("one", "two")
    ]
    assert set(house.reasons("discovery_edges")) == {
        '["one", "nothing", "related_to"]', '["one", "one", "related_to"]'
    }  # fmt: skip
    assert set(house.reasons("discovery_tags")) == {'["one", ""]', '["none", "a"]'}
    assert house.reasons("discoveries")["bad"].startswith("type: ")
    assert (said.vertices, said.edges) == (2, 6)
    before = house.checksum()
    house.bring(folder)
    assert house.checksum() == before
    assert verify(house.database.owner, folder).differences == []
    with closing(sqlite3.connect(folder / "knowledge.db")) as db, db:
        db.execute("UPDATE discovery_edges SET created_at = '2025-11-29T00:00:01'"
                   " WHERE edge_type <> 'related_to'")  # fmt: skip
    assert [each.column for each in verify(house.database.owner, folder).differences] == [
        "metadata", "metadata"
    ]  # fmt: skip


def test_a_table_and_a_file_that_tell_of_one_discovery_are_one(house, old, tmp_path):
    """As the table has it; what only the file has comes, too, also when nobody else knew whose."""
    old("K", "knowledge.db", discoveries=[FOUND])
    folder = graph_file(tmp_path / "data", NODE | {"summary": "older"},
                        NODE | {"id": "two", "agent_id": "ember", "related_to": ["one", "gone"],
                                "response_to": {"discovery_id": "one", "response_type": "support"},
                                "odd": 0.5},
                        NODE | {"id": "three", "summary": ""})  # fmt: skip
    house.bring(folder)
    before = house.checksum()
    again = house.bring(folder)

    assert house.ask(
        "SELECT discovery_id, agent_id, summary, response_to, metadata FROM core.discoveries"
        " ORDER BY 1"
    ) == [
        ("one", "lumen", FOUND["summary"], None, {}),
        ("two", "ember", "so", "one", {"beside": {"odd": 0.5}}),
    ]
    assert house.one("SELECT created_at FROM core.identities WHERE agent_id = 'ember'") == IN_DENVER
    assert set(house.reasons("nodes")) == {"three"}
    assert set(house.reasons("links")) == {'["two", "gone", "related_to"]'}
    assert (again.vertices, house.checksum()) == (0, before)


def test_what_nobody_knows_of_a_node_stays_also_when_it_is_nothing(house, tmp_path):
    """0.0, empty and false are said; null is not."""
    odd = dict(zip("abcdefg", (0.0, "", [], {}, False, 0, "so"), strict=True))
    folder = graph_file(tmp_path / "data", NODE | odd | {"null": None})
    house.bring(folder)

    assert house.one("SELECT metadata FROM core.discoveries") == {"beside": odd}
    assert verify(house.database.owner, folder).differences == []


def test_another_discovery_of_the_same_id_is_not_taken(house, old, tmp_path):
    """Neither is lost: one is here, the other is named."""
    old("K", "knowledge.db", discoveries=[FOUND])
    house.bring(graph_file(tmp_path / "data", NODE | {"agent_id": "ember"}))

    assert house.reasons("nodes") == {"one": "id: another discovery has it already"}
    assert house.ask("SELECT agent_id FROM core.discoveries") == [("lumen",)]


def test_the_work_of_an_agent_that_was_not_taken_is_not_taken(house, old):
    """It does not come to life by being spoken of."""
    folder = old("A", agent_metadata=[AGENT | {"status": "weird"}], discoveries=[FOUND],
                 dialectic_sessions=[{"session_id": "d", "paused_agent_id": "lumen",
                                      "created_at": AT}])  # fmt: skip
    house.bring(folder)

    assert house.reasons("discoveries") == {"one": "agent_id: agent 'lumen' was not taken"}
    assert house.reasons("dialectic_sessions") == {"d": "agent 'lumen' was not taken"}
    assert house.one("SELECT count(*) FROM core.identities") == 0


def test_a_dispute_of_rows_comes_in_order(house, old):
    """By time, then by id; what the house has no word for is kept as it was said."""
    session = {"session_id": "d", "paused_agent_id": "lumen", "reviewer_agent_id": "ember",
               "phase": "negotiation", "status": "active", "created_at": AT, "topic": "",
               "max_synthesis_rounds": 9, "synthesis_round": -1, "reason": "why",
               "resolution_json": '{"action": "resume", "timestamp": "2025-11-28T05:00:00"}',
               "paused_agent_state_json": '{"E": 0.0}'}  # fmt: skip
    word = {"session_id": "d", "agent_id": "lumen", "message_type": "thesis", "agrees": 0,
            "concerns_json": '["a"]'}  # fmt: skip
    folder = old("A", agent_metadata=[AGENT], dialectic_sessions=[session], dialectic_messages=[
        word | {"timestamp": "2025-11-28T04:12:00", "reasoning": "second"},
        word | {"timestamp": "2025-11-28T04:11:00", "reasoning": "first"},
        word | {"timestamp": "2025-11-28T04:13:00", "session_id": "none"},
        word | {"timestamp": "2025-11-28T04:14:00", "message_type": "shout"},
    ])  # fmt: skip
    house.bring(folder)

    assert house.ask(
        "SELECT phase, status, topic, synthesis_round, max_synthesis_rounds, reason, created_at,"
        " paused_agent_state_json, resolution_action, resolved_at, imported_json->'said'->'phase'"
        " FROM dialectic.sessions"
    ) == [
        ("thesis", "timeout", "", 0, 9, "why", IN_DENVER, {"E": 0.0}, "resume",
         datetime(2025, 11, 28, 12, tzinfo=UTC), "negotiation")
    ]  # fmt: skip
    assert house.ask(
        "SELECT seq, reasoning, agrees, concerns FROM dialectic.messages ORDER BY seq"
    ) == [(0, "first", False, ["a"]), (1, "second", False, ["a"])]
    assert set(house.reasons("dialectic_messages")) == {"3", "4"}
    assert house.one('SELECT count(*) FROM governance_graph."DialecticMessage"') == 2


@pytest.mark.skipif(REAL is None, reason="the real files are not here")
def test_the_real_files_come_whole_and_the_disputes_can_be_given_back(house, tmp_path):
    """93 discoveries and 28 disputes; three links lead nowhere in the real file."""
    folder = shutil.copytree(REAL, tmp_path / "data")
    said = house.bring(folder, "America/New_York")

    assert house.one("SELECT count(*) FROM core.discoveries") == 93
    assert house.one("SELECT count(*) FROM dialectic.sessions") == 28
    assert said.rejected == len(house.reasons("links")) == 3
    assert said.vertices == 93
    assert house.one('SELECT count(*) FROM governance_graph."DialecticSession"') == 28

    async def given_back():
        async with await psycopg.AsyncConnection.connect(house.database.owner) as conn:
            for path in sorted((folder / "dialectic_sessions").iterdir()):
                found = await read(conn, path.stem)
                told = await rows(conn, "messages", {"session_id": path.stem})
                yield json.loads(path.read_bytes()), put_together(found.row, told)

    async def differing():
        return [one["session_id"] async for one, other in given_back() if not alike(one, other)]

    assert asyncio.run(differing()) == []


def test_what_no_json_of_ours_can_hold_is_named(house, old, tmp_path):
    """NaN, a NUL and half a character, wherever they are; what is beside them comes."""
    session = {"session_id": "d", "paused_agent_id": "lumen", "created_at": AT, "phase": "thesis"}
    agents = [AGENT | {"agent_id": "b", "agent_uuid": "a\0"}, AGENT | {"version": "\\u0000 or so"}]
    folder = old("A", agent_metadata=agents,
                 dialectic_sessions=[session | {"paused_agent_state_json": '{"E": NaN}'},
                                     session | {"session_id": "e"}])  # fmt: skip
    graph_file(folder, NODE | {"provenance_chain": [float("nan")]}, NODE | {"id": "two"},
               NODE | {"id": "three", "summary": "half \ud83d"}, NODE | {"id": "f\0ur"},
               NODE | {"id": "five", "related_to": ["t\0o", "\ud83d", "two"]})  # fmt: skip
    (folder / "dialectic_sessions").mkdir()
    for name, more in {"f": {"topic": "a\0"}, "g": {"topic": "\ud83d"}, "h": {}}.items():
        told = json.dumps({**session, "session_id": name, "transcript": [], **more})
        (folder / "dialectic_sessions" / f"{name}.json").write_text(told)
    house.bring(folder)

    assert house.reasons("agent_metadata") == {"b": "agent_uuid: holds a NUL"}
    assert house.one("SELECT metadata->'beside'->>'version' FROM core.identities") == (
        "\\u0000 or so"
    )
    assert set(house.reasons("dialectic_sessions")) == {"d"}
    assert set(house.reasons("transcript")) == {"f", "g"}
    assert set(house.reasons("nodes")) == {"one", "three", "f\\0ur"}
    assert len(house.reasons("links")) == 2
    assert house.ask("SELECT session_id FROM dialectic.sessions ORDER BY 1") == [("e",), ("h",)]
    assert house.ask("SELECT discovery_id FROM core.discoveries ORDER BY 1") == [
        ("five",), ("two",)
    ]  # fmt: skip
