"""The cutover and the rollback: what either side wrote is on both, and nobody writes behind one."""

import json
import sqlite3
import threading
import time
from contextlib import closing

import psycopg
import pytest

from apps.legacy import fence, over, rollback
from apps.legacy.backfill import connected
from apps.legacy.cutover import proven
from apps.legacy.follow import follow
from apps.legacy.kill_list import kill_list
from apps.legacy.over import Asked, Case
from apps.legacy.shadow.read import answer, switch
from apps.legacy.shadow.shadow import Wanted, shadow
from apps.legacy.status import status
from schemas.errors import Diverged, Refused
from schemas.governance.cutover import Side
from tests.database.legacy.test_follow import (
    AT,
    LATER,
    everything,
    once,
    write,
)
from tests.legacy.directory import make
from tests.legacy.nasty import ZONE

NOW = Asked(window_seconds=0.0, accept_rejected=0)


def case(house, folder):
    """As the operator's command has it."""
    return Case(house.database.owner, folder, ZONE, lambda _: None)


def compare(house, folder, **wanted):
    """One round over all readers."""
    told = []
    made = Wanted(**{"reads": 50, "every": 0.05, "seconds": 0.01, "window_seconds": 0, **wanted})
    shadow(house.database.owner, folder, ZONE, made, told.append)
    return told[-1]


def over_it_goes(house, folder):
    """A clean round, and the cutover."""
    compare(house, folder)
    return over.cutover(case(house, folder), NOW)


def back_it_goes(house, folder):
    """And back."""
    return rollback.rollback(case(house, folder))


def old(folder, query, name="governance.db"):
    """What the old file says."""
    with closing(sqlite3.connect(folder / name)) as db:
        return db.execute(query).fetchall()


def read(house, folder, reader, **asked):
    """One answer."""
    with connected(house.database.owner) as db:
        return answer(db, folder, reader, asked)


def test_a_cutover_needs_readers_that_were_compared_and_clean(house, everything_old):
    """Nothing is closed before."""
    with pytest.raises(Diverged, match="agent was never compared"):
        over.cutover(case(house, everything_old), NOW)
    house.tell("UPDATE core.identities SET label = 'x' WHERE agent_id = 'lumen'")
    compare(house, everything_old)
    house.tell("UPDATE core.identities SET label = 'other' WHERE agent_id = 'lumen'")
    found = compare(house, everything_old)
    assert {each.reader: each.differing > 0 for each in found.readers}["agent"]
    with pytest.raises(Diverged, match="agent differs"):
        over.cutover(case(house, everything_old), NOW)

    assert not fence.is_closed(everything_old / "governance.db")
    assert house.ask("SELECT reader, asked, kind FROM legacy.differences") == [
        ("agent", "lumen", "meaning")
    ]


@pytest.fixture
def everything_old(house, old):
    """One row of each table, brought over and followed."""
    folder = everything(old)
    once(house, folder)
    return folder


def test_a_cutover_proves_archives_and_closes(house, everything_old):
    """And says by what; the old server's writes fail then, in every form."""
    done = over_it_goes(house, everything_old)

    assert (done.writer, done.compared > 10, len(done.sha256)) == (Side.NEW, True, 64)
    for statement in (
        "INSERT OR IGNORE INTO discovery_tags VALUES ('one', 'z')",
        "INSERT OR REPLACE INTO discovery_tags VALUES ('one', 'z')",
        "UPDATE OR IGNORE agent_metadata SET notes = 'z'",
        "DELETE FROM audit_events",
    ):
        with pytest.raises(sqlite3.IntegrityError, match="the new house is the writer"):
            write(everything_old, statement)
    now = status(house.database.owner, everything_old)
    assert (now.writer, now.is_closed, {each.side for each in now.readers}) == (
        Side.NEW, True, {Side.NEW}
    )  # fmt: skip
    (copy,) = everything_old.parent.glob("data-archive/epoch-*/governance.db")
    with closing(sqlite3.connect(copy)) as db:
        assert db.execute("SELECT notes FROM agent_metadata ORDER BY 1").fetchall()
    with pytest.raises(Refused, match="the house is the writer"):
        once(house, everything_old)


def test_what_the_house_wrote_is_in_the_old_files_after_a_rollback(house, everything_old):
    """Of every kind; and after another cutover it is there once."""
    over_it_goes(house, everything_old)
    house_writes(house)
    done = back_it_goes(house, everything_old)

    assert done.written > 5
    assert old(everything_old, "SELECT label FROM agent_metadata WHERE agent_id = 'lumen'") == [
        ("by the house",)
    ]
    assert old(everything_old, "SELECT count(*) FROM agent_metadata WHERE agent_id = 'born'") == [
        (1,)
    ]
    assert old(everything_old, "SELECT event_type, details_json FROM audit_events ORDER BY id") == [
        ("t", "{}"), ("house", '{"a":0}')
    ]  # fmt: skip
    assert old(everything_old, "SELECT id, summary FROM discoveries ORDER BY id") == [
        ("new", "found here"), ("one", "changed here"), ("two", "so")
    ]  # fmt: skip
    assert old(everything_old, "SELECT tag FROM discovery_tags WHERE discovery_id = 'one'") == [
        ("house",)
    ]
    edges = old(everything_old, "SELECT src_id, dst_id, edge_type FROM discovery_edges ORDER BY 1")
    assert edges == [("new", "one", "response_to"), ("one", "two", "related_to")]
    assert old(everything_old, "SELECT reasoning FROM dialectic_messages ORDER BY id") == [
        ("first",), ("said here",)
    ]  # fmt: skip
    assert not fence.is_closed(everything_old / "governance.db")
    write(everything_old, f"UPDATE agent_metadata SET label = 'old again', last_update = '{LATER}'"
          " WHERE agent_id = 'lumen'")  # fmt: skip
    again = over_it_goes(house, everything_old)

    assert again.writer is Side.NEW
    assert house.one("SELECT label FROM core.identities WHERE agent_id = 'lumen'") == "old again"
    assert house.ask("SELECT event_type, count(*) FROM audit.events GROUP BY 1 ORDER BY 1") == [
        ("house", 1), ("t", 1)
    ]  # fmt: skip
    assert house.ask("SELECT reasoning FROM dialectic.messages ORDER BY seq") == [
        ("first",), ("said here",)
    ]  # fmt: skip


def house_writes(house):
    """As its own rooms would."""
    with psycopg.connect(house.database.owner) as db:
        for statement in HOUSE.split(";"):
            db.execute(statement)


HOUSE = """
INSERT INTO core.identities (agent_id, label, created_at, updated_at)
VALUES ('born', 'here', '2026-11-01Z', '2026-11-01Z');
UPDATE core.identities SET label = 'by the house', updated_at = '2026-11-02Z'
 WHERE agent_id = 'lumen';
INSERT INTO core.sessions (session_id, identity_id, created_at, last_active, expires_at)
SELECT repeat('a', 64), identity_id, '2026-11-02Z', '2026-11-02Z', '2099-11-02Z'
  FROM core.identities WHERE agent_id = 'born';
INSERT INTO audit.events (event_id, recorded_at, agent_id, event_type, payload)
VALUES ('11111111-1111-4111-8111-111111111111', '2026-11-02Z', 'lumen', 'house', '{"a": 0.0}');
INSERT INTO core.discoveries (discovery_id, agent_id, type, summary, response_to, response_type,
       created_at, updated_at)
VALUES ('new', 'born', 'insight', 'found here', 'one', 'extend', '2026-11-02Z', '2026-11-02Z');
UPDATE core.discoveries SET summary = 'changed here', updated_at = '2026-11-03Z'
 WHERE discovery_id = 'one';
UPDATE core.discovery_tags SET tag = 'house' WHERE discovery_id = 'one';
INSERT INTO dialectic.messages (session_id, seq, agent_id, message_type, recorded_at, reasoning)
VALUES ('d', 1, 'born', 'antithesis', '2026-11-02Z', 'said here')
"""
"""By rooms of its own; at fixed times, so that it may be done again."""


def test_what_is_over_is_said_again(house, everything_old):
    """Who asks for it once more changes nothing, as who was killed at its last word does."""
    done = over_it_goes(house, everything_old)
    again = over.cutover(case(house, everything_old), NOW)
    back, twice = (back_it_goes(house, everything_old) for _ in range(2))
    kinds = [each.kind.value for each in status(house.database.owner, everything_old).epochs]

    own = {"seconds", "closed_seconds", "written"}
    assert again.model_dump(exclude=own) == done.model_dump(exclude=own)
    assert twice.model_dump(exclude=own) == back.model_dump(exclude=own)
    assert (back.writer, kinds) == (Side.OLD, ["cutover", "rollback"])


def test_an_unproven_cutover_is_taken_back(house, everything_old):
    """A row that differs is found before anybody changes sides, and the old server writes on."""
    compare(house, everything_old)
    house.tell("UPDATE core.identities SET notes = 'not theirs' WHERE agent_id = 'ember'")
    with pytest.raises(Diverged, match="1 differences"):
        over.cutover(case(house, everything_old), NOW)
    write(everything_old, "UPDATE agent_metadata SET notes = 'n' WHERE agent_id = 'ember'")
    now = status(house.database.owner, everything_old)

    assert (now.writer, now.is_closed) == (Side.OLD, False)
    assert [each.refused for each in now.epochs] == ["1 differences"]


def test_a_reader_is_switched_alone_and_is_never_stale(house, everything_old):
    """It waits for a pass that began after the question; without one it says so."""
    with pytest.raises(Diverged, match="was never compared"):
        switch(house.database.owner, everything_old, "agent", Side.NEW, 0)
    compare(house, everything_old)
    assert read(house, everything_old, "agent", agent_id="lumen").side is Side.OLD
    switch(house.database.owner, everything_old, "agent", Side.NEW, 0)
    write(everything_old, "UPDATE agent_metadata SET notes = 'newest' WHERE agent_id = 'lumen'")
    house.tell("UPDATE legacy.runs SET seen_at = clock_timestamp() + interval '1 minute'")
    said = read(house, everything_old, "agent", agent_id="lumen")
    assert said.side is Side.NEW
    once(house, everything_old)
    house.tell("UPDATE legacy.runs SET seen_at = clock_timestamp() + interval '1 minute'")
    said = read(house, everything_old, "agent", agent_id="lumen")

    assert dict(zip(said.columns, said.rows[0], strict=True))["notes"] == "newest"
    switch(house.database.owner, everything_old, "agent", Side.OLD, 0)
    assert read(house, everything_old, "agent", agent_id="lumen").side is Side.OLD


def test_what_is_dead_is_told_by_the_house_itself(house, everything_old):
    """Rows of a file of lines are proven to be here: it may go. Before, it may not."""
    line = {"timestamp": AT, "tool_name": "t", "agent_id": "lumen", "success": True,
            "error_type": None}  # fmt: skip
    (everything_old / "tool_usage.jsonl").write_text(json.dumps(line) + "\n")
    with pytest.raises(Refused, match="the old server is the writer"):
        proven(house.database.owner, everything_old)
    over_it_goes(house, everything_old)
    dead = kill_list(everything_old, proven(house.database.owner, everything_old))

    assert [item.path for item in dead.items] == ["tool_usage.jsonl"]


def test_calls_and_sessions_that_were_made_here_come_back_as_they_were(house, everything_old):
    """A call has a line there, and a session a key that opens nothing."""
    (everything_old / "tool_usage.jsonl").write_text("")
    line = {"timestamp": AT, "tool_name": "t", "agent_id": "lumen", "success": True,
            "error_type": None}  # fmt: skip
    (everything_old / "tool_usage.jsonl").write_text(json.dumps(line) + "\n")
    over_it_goes(house, everything_old)
    house_writes(house)
    house.tell("INSERT INTO audit.tool_usage (usage_id, recorded_at, agent_id, session_id,"
               " tool_name, latency_ms, success, payload) VALUES (gen_random_uuid(), now(),"
               " 'lumen', 's', 'here', 1.5, true, '{\"b\": 1e400}')")  # fmt: skip
    calls = house.ask("SELECT to_jsonb(u)::text FROM audit.tool_usage AS u ORDER BY 1")
    back_it_goes(house, everything_old)
    mode = (everything_old / "tool_usage.jsonl").stat().st_mode & 0o777

    assert old(everything_old, "SELECT session_key FROM session_identities ORDER BY 1") == [
        ("abode:" + "a" * 64,), ("raw",)
    ]  # fmt: skip
    assert mode == 0o644
    over_it_goes(house, everything_old)
    assert house.ask("SELECT to_jsonb(u)::text FROM audit.tool_usage AS u ORDER BY 1") == calls
    assert house.one("SELECT count(*) FROM core.sessions") == 2


def test_who_follows_leaves_when_a_cutover_begins(house, everything_old):
    """And says so, at once: nobody waits for the old files to be written again."""
    left = []

    def followed():
        try:
            follow(house.database.owner, everything_old, ZONE, left.append, every=0.05)
        except Refused as error:
            left.append(error)

    thread = threading.Thread(target=followed, daemon=True)
    compare(house, everything_old)
    thread.start()
    while not left:
        time.sleep(0.05)
    over.cutover(case(house, everything_old), NOW)
    thread.join(10)

    assert not thread.is_alive()
    assert "a cutover is not over" in str(left[-1])


@pytest.mark.parametrize("variant", ["A", "B"])
def test_a_nasty_directory_answers_the_same_on_both_sides(house, tmp_path, variant):
    """Every reader, but for rows that are known not to have come over."""
    folder = make(tmp_path / "data", variant, 60)
    found = compare(house, folder, reads=400)

    assert {(each.reader, each.kind.value) for each in found.differences} == set()
    assert all(each.compared > 10 for each in found.readers)


def test_nobody_follows_before_a_rollback_is_over(house, everything_old, monkeypatch):
    """What the house wrote would be written over before it is given back."""
    over_it_goes(house, everything_old)
    house_writes(house)
    monkeypatch.setattr(fence, "open_again", lambda path: (_ for _ in ()).throw(Refused("killed")))
    with pytest.raises(Refused, match="killed"):
        back_it_goes(house, everything_old)
    assert status(house.database.owner, everything_old).writer is Side.OLD
    with pytest.raises(Refused, match="a rollback is not over"):
        once(house, everything_old)
    with pytest.raises(Refused, match="a rollback is not over"):
        over.cutover(case(house, everything_old), NOW)
    monkeypatch.undo()
    back_it_goes(house, everything_old)

    assert old(everything_old, "SELECT label FROM agent_metadata WHERE agent_id = 'lumen'") == [
        ("by the house",)
    ]
    once(house, everything_old)


def test_who_writes_on_into_a_closed_file_is_told(house, everything_old):
    """While the house is the writer; what the old server appends otherwise is its own business."""
    file = everything_old / "tool_usage.jsonl"
    line = {"timestamp": AT, "tool_name": "t", "agent_id": "lumen", "success": True,
            "error_type": None}  # fmt: skip
    body = json.dumps(line) + "\n"
    file.write_text(body)
    over_it_goes(house, everything_old)
    assert status(house.database.owner, everything_old).strays == {}
    with file.open("a") as stray:
        stray.write(body)
    assert status(house.database.owner, everything_old).strays == {str(file): len(body)}
    back_it_goes(house, everything_old)

    assert status(house.database.owner, everything_old).strays == {}
