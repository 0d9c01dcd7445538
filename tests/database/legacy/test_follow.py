"""The old server writes, and the house follows: what changes there, changes here."""

import json
import os
import sqlite3
import threading
from contextlib import closing

import pytest

from apps.legacy import lines as old_lines
from apps.legacy import triggers
from apps.legacy.follow import Follower, follow, leave
from apps.legacy.verify.verify import verify
from tests.database.legacy.test_killed import KILLS
from tests.legacy.directory import make
from tests.legacy.nasty import ZONE

AT = "2025-11-28T04:10:24.346843"
LATER = "2025-11-29T04:10:24"
AGENT = {"agent_id": "lumen", "status": "active", "created_at": AT, "last_update": AT}
STATE = {"agent_id": "lumen", "E": 0.0, "update_count": 1, "created_at": AT, "updated_at": AT,
         "state_json": "{}"}  # fmt: skip
FOUND = {"id": "one", "agent_id": "lumen", "type": "insight", "severity": "low", "created_at": AT,
         "summary": "so"}  # fmt: skip
EVENT = {"timestamp": AT, "agent_id": "lumen", "event_type": "t", "confidence": 0.1 + 0.2,
         "details_json": "{}"}  # fmt: skip
DISPUTE = {"session_id": "d", "paused_agent_id": "lumen", "created_at": AT, "phase": "thesis"}
WORD = {"session_id": "d", "agent_id": "lumen", "message_type": "thesis", "timestamp": AT}
LINE = {"timestamp": AT, "agent_id": "lumen", "event_type": "t", "confidence": 1.0, "details": {},
        "metadata": None}  # fmt: skip
ALL = [("A", False), ("A", True), ("B", False), ("B", True)]
SOME = ALL if KILLS > 1 else [("A", True), ("B", False)]
BOTH = pytest.mark.parametrize("by_triggers", [False, True], ids=["comparison", "triggers"])


def once(house, folder, *, by_triggers=False):
    """One pass, as the operator's command makes it."""
    told = []
    follow(house.database.owner, folder, ZONE, told.append, by_triggers=by_triggers, once=True)
    return told[0]


def write(folder, *statements, name="governance.db"):
    """As the old server does."""
    with closing(sqlite3.connect(folder / name)) as db, db:
        db.execute("PRAGMA foreign_keys = ON")
        for statement in statements:
            db.execute(statement)


def everything(old):
    """One row of each table."""
    return old(
        "A", agent_metadata=[AGENT, AGENT | {"agent_id": "ember", "parent_agent_id": "lumen"}],
        session_identities=[{"session_key": "raw", "agent_id": "lumen", "bound_at": AT}],
        agent_state=[STATE], audit_events=[EVENT], discoveries=[FOUND, FOUND | {"id": "two"}],
        discovery_tags=[{"discovery_id": "one", "tag": "a"}],
        discovery_edges=[{"src_id": "one", "dst_id": "two", "edge_type": "related_to",
                          "created_at": AT}],
        dialectic_sessions=[DISPUTE], dialectic_messages=[WORD | {"reasoning": "first"}],
        calibration_state=[{"id": 1, "state_json": '{"a": 1}', "updated_at": AT}],
    )  # fmt: skip


BORN_HERE = """
WITH born AS (INSERT INTO core.identities (agent_id, created_at, updated_at)
              VALUES ('own', '2024-01-01Z', '2024-01-01Z') RETURNING identity_id)
INSERT INTO core.tokens (identity_id, purpose, secret_sha256, rights, expires_at)
SELECT b.identity_id, 'access', sha256('own'), '{read}', now() + interval '1 day' FROM born AS b;
INSERT INTO core.discoveries (discovery_id, agent_id, type, severity, summary, details)
VALUES ('own', 'own', 'insight', 'low', 'so', '')
"""
CUTS = 20
CUT = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
 WHERE application_name = 'abode legacy' AND datname = current_database()"""
INTO_WORDS = (
    "INSERT INTO dialectic_messages (session_id, agent_id, message_type, timestamp, reasoning)"
)
CHANGES = (
    "UPDATE agent_metadata SET status = 'paused', label = '', notes = 'n' WHERE agent_id = 'lumen'",
    "UPDATE agent_metadata SET parent_agent_id = NULL WHERE agent_id = 'ember'",
    f"UPDATE session_identities SET bind_count = 2, updated_at = '{LATER}'",
    f"UPDATE agent_state SET E = 0.5, update_count = 2, updated_at = '{LATER}'",
    "UPDATE discoveries SET status = 'resolved', summary = 'other' WHERE id = 'one'",
    "UPDATE discovery_tags SET tag = 'b'",
    "DELETE FROM discovery_edges",
    "UPDATE dialectic_sessions SET topic = 'why'",
    INTO_WORDS + f" VALUES ('d', 'lumen', 'antithesis', '{LATER}', 'second')",
    f"UPDATE calibration_state SET state_json = '{{\"a\": 2}}', updated_at = '{LATER}'",
)


@BOTH
def test_what_changes_there_changes_here(house, old, by_triggers):
    """As if it had been so from the beginning; a second pass has nothing to do."""
    folder = everything(old)
    once(house, folder, by_triggers=by_triggers)
    write(folder, *CHANGES)
    said = once(house, folder, by_triggers=by_triggers)
    again = once(house, folder, by_triggers=by_triggers)

    assert (said.failed, said.rejected, said.behind_rows, again.applied) == (0, 0, 0, 0)
    assert said.applied == 7
    assert house.ask(
        "SELECT agent_id, status, label, notes, parent_agent_id FROM core.identities ORDER BY 1"
    ) == [("ember", "active", None, None, None), ("lumen", "paused", "", "n", None)]
    assert house.one("SELECT metadata->'beside'->'bind_count' FROM core.sessions") == 2
    assert house.ask("SELECT energy, seq FROM legacy.agent_state") == [(0.5, 2)]
    assert house.ask("SELECT discovery_id, status, summary FROM core.discoveries ORDER BY 1") == [
        ("one", "resolved", "other"), ("two", "open", "so")
    ]  # fmt: skip
    assert house.ask("SELECT tag FROM core.discovery_tags") == [("b",)]
    assert house.ask("SELECT related_id FROM core.discovery_links") == []
    assert house.ask("SELECT topic FROM dialectic.sessions") == [("why",)]
    assert house.ask("SELECT reasoning FROM dialectic.messages ORDER BY seq") == [
        ("first",), ("second",)
    ]  # fmt: skip
    assert house.ask("SELECT version, data FROM core.calibration_versions") == [(0, {"a": 2})]
    assert house.one('SELECT count(*) FROM governance_graph."DialecticMessage"') == 2
    assert house.one('SELECT count(*) FROM governance_graph."DialecticSession"') == 1


@BOTH
def test_what_goes_there_goes_here(house, old, by_triggers):
    """An agent last, when nothing names it any more."""
    folder = everything(old)
    once(house, folder, by_triggers=by_triggers)
    write(folder, "DELETE FROM discovery_edges", "DELETE FROM discoveries",
          "DELETE FROM dialectic_messages", "DELETE FROM dialectic_sessions",
          "DELETE FROM session_identities", "DELETE FROM agent_state",
          "DELETE FROM agent_metadata WHERE agent_id = 'ember'",
          "DELETE FROM calibration_state")  # fmt: skip
    said = once(house, folder, by_triggers=by_triggers)

    assert said.failed == 0
    for table in ("core.discoveries", "core.discovery_tags", "core.discovery_links",
                  "dialectic.sessions", "dialectic.messages", "core.sessions",
                  "legacy.agent_state", "core.calibration_versions"):  # fmt: skip
        assert house.one(f"SELECT count(*) FROM {table}") == 0, table
    assert house.ask("SELECT agent_id FROM core.identities") == [("lumen",)]


def test_an_event_that_is_changed_or_goes_does_so_here(house, old):
    """Its trigger kept what it was, and so which it is."""
    folder = old("A", agent_metadata=[AGENT], audit_events=[EVENT, EVENT | {"event_type": "u"}])
    once(house, folder, by_triggers=True)
    write(folder, "UPDATE audit_events SET confidence = 0.5 WHERE id = 1",
          "DELETE FROM audit_events WHERE id = 2")  # fmt: skip
    once(house, folder, by_triggers=True)

    assert house.ask("SELECT event_type, payload->'beside'->'confidence' FROM audit.events") == [
        ("t", 0.5)
    ]


@BOTH
def test_who_is_only_spoken_of_was_born_by_who_speaks_of_it_now(house, old, by_triggers):
    """The first word of it goes: then by the next one; but not who has a row of its own."""
    second = FOUND | {"created_at": LATER}
    ghosts = [each | {"agent_id": "ghost"} for each in (FOUND | {"id": "a"}, second | {"id": "b"})]
    folder = old("A", agent_metadata=[AGENT],
                 discoveries=[FOUND, second | {"id": "two"}, *ghosts])  # fmt: skip
    once(house, folder, by_triggers=by_triggers)
    write(folder, "DELETE FROM discoveries WHERE id IN ('one', 'a')")
    once(house, folder, by_triggers=by_triggers)
    born = "SELECT agent_id, created_at::date::text FROM core.identities ORDER BY 1"
    assert house.ask(born) == [("ghost", LATER[:10]), ("lumen", AT[:10])]
    assert verify(house.database.owner, folder).differences == []
    write(folder, "DELETE FROM discoveries")
    once(house, folder, by_triggers=by_triggers)
    assert house.ask(born) == [("ghost", LATER[:10]), ("lumen", AT[:10])]
    assert verify(house.database.owner, folder).differences == []


def test_who_was_born_here_stays_as_old_as_it_is(house, old):
    """Though all that it says, and nothing of itself, came later."""
    folder = old("A", agent_metadata=[AGENT])
    once(house, folder)
    house.tell(BORN_HERE)
    write(folder, "UPDATE agent_metadata SET notes = 'n'")
    assert once(house, folder).applied == 1
    assert house.one("SELECT created_at::date::text FROM core.identities"
                     " WHERE agent_id = 'own'") == "2024-01-01"  # fmt: skip


@BOTH
def test_what_could_not_be_applied_is_kept_and_tried_again(house, old, by_triggers):
    """An agent that the house itself knows as a parent cannot go; when that is over, it does."""
    folder = old("A", agent_metadata=[AGENT])
    once(house, folder, by_triggers=by_triggers)
    house.tell("INSERT INTO core.identities (agent_id, parent_agent_id) VALUES ('own', 'lumen')")
    write(folder, "DELETE FROM agent_metadata")
    said = once(house, folder, by_triggers=by_triggers)
    once(house, folder, by_triggers=by_triggers)

    assert (said.failed, said.is_whole) == (1, False)
    ((part, unit, reason, tries),) = house.ask(
        "SELECT part, unit, reason, tries FROM legacy.failures"
    )
    assert (part, unit, tries) == ("agent_metadata", "lumen", 2)
    assert "identities_parent_agent_id_fkey" in reason
    house.tell("UPDATE core.identities SET parent_agent_id = NULL")
    assert once(house, folder, by_triggers=by_triggers).failed == 0
    assert house.ask("SELECT agent_id FROM core.identities") == [("own",)]


def test_what_was_refused_is_taken_when_it_can_be(house, old):
    """A link came before its other end."""
    edge = {"src_id": "one", "dst_id": "two", "edge_type": "related_to", "created_at": AT}
    folder = old("A", agent_metadata=[AGENT], discoveries=[FOUND], discovery_edges=[edge])
    assert once(house, folder).rejected == 1
    write(folder, "INSERT INTO discoveries (id, agent_id, type, severity, created_at, summary)"
          f" VALUES ('two', 'lumen', 'insight', 'low', '{AT}', 'so')")  # fmt: skip
    said = once(house, folder)

    assert said.rejected == 0
    assert house.ask("SELECT discovery_id, related_id FROM core.discovery_links") == [
        ("one", "two")
    ]


def test_lines_come_as_they_are_ended_also_over_a_rotation(house, lines, monkeypatch):
    """A torn end waits, a rotated file goes on under its new name, a shorter one is said."""
    folder = lines("audit_log.jsonl", LINE)
    log = folder / "audit_log.jsonl"
    rest = json.dumps(LINE | {"event_type": "second"})
    with log.open("a") as file:
        file.write(rest[:30])
    first = once(house, folder)
    with log.open("a") as file:
        file.write(rest[30:] + "\n" + json.dumps(LINE | {"event_type": "third"}) + "\n")
    log.rename(folder / "audit_log.jsonl.1")
    log.write_text(json.dumps(LINE | {"event_type": "fourth"}) + "\n")
    begun = {}
    blocks = old_lines.blocks

    def counted(path, offset, number):
        begun[path.name] = offset
        return blocks(path, offset, number)

    monkeypatch.setattr(old_lines, "blocks", counted)
    second = once(house, folder)
    at = dict(begun)
    log.write_text("")
    log.write_text(json.dumps(LINE | {"event_type": "5"}) + "\n")
    third = once(house, folder)

    assert (first.rejected, first.behind_rows) == (0, 0)
    assert at == {"audit_log.jsonl": 0, "audit_log.jsonl.1": len(json.dumps(LINE)) + 1}
    assert second.notices == [f"{log}.1: was {log}, and goes on"]
    assert [notice.split(": ")[1] for notice in third.notices] == [
        "is another file than it was, and is read from its start"
    ]
    assert sorted(house.ask("SELECT event_type FROM audit.events")) == [
        ("5",), ("fourth",), ("second",), ("t",), ("third",)
    ]  # fmt: skip
    assert house.one("SELECT count(*) FROM legacy.rejected") == 0


def test_a_dispute_in_a_document_is_told_anew(house, tmp_path):
    """The old server writes its file again with each word."""
    room = tmp_path / "data" / "dialectic_sessions"
    room.mkdir(parents=True)
    told = DISPUTE | {"transcript": [], "topic": "so"}
    (room / "d.json").write_text(json.dumps(told))
    once(house, room.parent)
    word = {"phase": "thesis", "agent_id": "lumen", "timestamp": AT, "reasoning": "first"}
    (room / "d.json").write_text(json.dumps(told | {"transcript": [word]}))
    once(house, room.parent)

    assert house.ask("SELECT reasoning FROM dialectic.messages") == [("first",)]


def test_how_far_it_is_behind_is_said(house, old):
    """In rows and seconds, while the old server writes in the middle of a pass."""
    folder = old("A", agent_metadata=[AGENT])
    told = []
    with pytest.MonkeyPatch.context() as patch:
        ended = Follower._told

        def written(*given):
            write(folder, "UPDATE agent_metadata SET notes = 'n'",
                  "INSERT INTO audit_events (timestamp, agent_id, event_type, confidence,"
                  f" details_json) VALUES ('{AT}', 'lumen', 't', 1, '{{}}')")  # fmt: skip
            return ended(*given)

        patch.setattr(Follower, "_told", written)
        told.append(once(house, folder, by_triggers=True))
    told.append(once(house, folder, by_triggers=True))

    assert [each.behind_rows for each in told] == [2, 0]
    assert told[0].behind_seconds > 0 == told[1].behind_seconds


class Enough(Exception):
    """Of following."""


def test_it_goes_on_when_postgres_was_gone(house, old):
    """Its connections are cut, again and again between and within passes; each change comes."""
    folder, told = everything(old), []

    def tell(done):
        told.append(done)
        number = len(told)
        if number > CUTS:
            raise Enough
        write(folder, f"UPDATE agent_metadata SET notes = 'n{number}' WHERE agent_id = 'lumen'")
        cutter = threading.Timer(0.002 * number, house.ask, [CUT])
        cutter.start()
        cutters.append(cutter)

    cutters = []
    with pytest.raises(Enough):
        follow(house.database.owner, folder, ZONE, tell, every=0.01)
    for each in cutters:
        each.join()
    once(house, folder)
    assert house.one("SELECT notes FROM core.identities WHERE agent_id = 'lumen'") == f"n{CUTS}"
    assert verify(house.database.owner, folder).differences == []


def test_the_old_server_waits_for_no_pass(house, old):
    """It takes every lock that there is, in the middle of one."""
    folder = everything(old)
    with closing(sqlite3.connect(folder / "governance.db", isolation_level=None, timeout=0)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        once(house, folder)
        with pytest.MonkeyPatch.context() as patch:
            words = []
            keep = triggers.read

            def read(*given):
                found = keep(*given)
                db.execute("BEGIN EXCLUSIVE")
                db.execute("COMMIT")
                words.append(found)
                return found

            patch.setattr(triggers, "read", read)
            once(house, folder, by_triggers=True)
            db.execute("UPDATE agent_metadata SET notes = 'n'")
            once(house, folder, by_triggers=True)

    assert words
    assert leave(folder) == [folder / "governance.db"]


@pytest.mark.parametrize(("variant", "by_triggers"), SOME)
def test_a_nasty_directory_is_as_the_backfill_brought_it(house, tmp_path, variant, by_triggers):
    """Told anew, every row is as it was."""
    folder = make(tmp_path / "data", variant, 60)
    house.bring(folder)
    before, rows = house.checksum(), house.rows()
    once(house, folder, by_triggers=by_triggers)
    if by_triggers:
        leave(folder)
    after = {row for row in house.rows() if '"part": "changes"' not in row}

    assert {*rows} ^ after == set(), os.linesep.join(sorted({*rows} ^ after))
    assert before
