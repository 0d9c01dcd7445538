"""What the old database says of its changes: by triggers, without a word of the old server's."""

import sqlite3
from contextlib import closing

import pytest

from apps.legacy import triggers
from apps.legacy.keyset import hashed
from apps.legacy.source import opened
from apps.legacy.units import known
from apps.legacy.watch import Watch
from tests.legacy.databases import SQL

AT = "2025-11-28T04:10:24.346843"
EVENT = (
    "INSERT {} INTO audit_events (id, timestamp, agent_id, event_type, confidence, details_json,"
)
EVENT += " raw_hash) VALUES (?, ?, 'lumen', 't', ?, ?, ?)"


@pytest.fixture
def live(tmp_path):
    """A database that its writer has open, as the old server has it."""
    path = tmp_path / "governance.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        for file in ("variant_a", "knowledge"):
            db.executescript((SQL / f"{file}.sql").read_text())
        yield path, db


def followed(path, *names):
    """Tables of it."""
    with opened(path) as db:
        return [known(path, name, db) for name in names]


def test_every_change_of_a_row_is_written_down_once_and_in_order(live):
    """Also the one that moves a row to another unit, and the one that a REPLACE makes."""
    path, db = live
    tables = followed(path, "discovery_tags", "session_identities")
    assert triggers.install(path, tables)
    assert not triggers.install(path, tables)
    db.execute("INSERT INTO discovery_tags VALUES ('one', 'a')")
    db.execute("UPDATE discovery_tags SET discovery_id = 'two'")
    db.execute("DELETE FROM discovery_tags")
    db.execute("INSERT OR REPLACE INTO session_identities (session_key) VALUES ('raw')")
    db.execute("INSERT OR REPLACE INTO session_identities (session_key) VALUES ('raw')")

    said = db.execute("SELECT seq, part, unit FROM abode_changes ORDER BY seq").fetchall()
    assert [unit for _, _, unit in said] == ["one", "one", "two", "two", "raw", "raw"]
    found = triggers.read(path, tables, 0)
    assert found.units == {"discovery_tags": {"one", "two"}, "session_identities": {hashed("raw")}}
    assert (found.last, found.more) == (6, 0)
    assert triggers.read(path, tables, 6).units == {}


def test_what_an_event_was_is_kept_to_the_last_bit(live):
    """Its id here was made of it. A REPLACE under the same hash takes it without a word."""
    path, db = live
    tables = followed(path, "audit_events")
    db.execute(EVENT.format(""), (1, AT, 0.1 + 0.2, '{"it\'s": "a"}', "h"))
    triggers.install(path, tables)
    db.execute(EVENT.format("OR REPLACE"), (7, AT, 1.0, "{}", "h"))
    db.execute("UPDATE audit_events SET confidence = 0.5 WHERE id = 7")
    db.execute("DELETE FROM audit_events")

    olds = triggers.read(path, tables, 0).olds["audit_events"]
    assert [dict(zip(triggers.ordered(tables[0]), old, strict=True))["confidence"]
            for old in olds] == [0.1 + 0.2, 1.0, 0.5]  # fmt: skip
    assert olds[0][0] == 1
    assert '{"it\'s": "a"}' in olds[0]


def test_taken_away_nothing_of_them_is_left(live):
    """The file is as its writer made it, and its writer goes on meanwhile."""
    path, db = live
    before = db.execute("SELECT type, name FROM sqlite_master ORDER BY 2").fetchall()
    triggers.install(path, followed(path, "audit_events", "agent_metadata"))
    assert triggers.remove(path)
    assert not triggers.remove(path)
    after = db.execute("SELECT type, name FROM sqlite_master ORDER BY 2").fetchall()

    assert after == before
    db.execute(EVENT.format(""), (1, AT, 1.0, "{}", None))


@pytest.mark.parametrize("mode", ["WAL", "DELETE"])
def test_a_watch_sees_every_commit_and_holds_nothing(live, mode):
    """The old server can take any lock between two looks."""
    path, db = live
    db.execute(f"PRAGMA journal_mode = {mode}")
    watch = Watch(path)
    assert watch.moved()
    assert not watch.moved()
    db.execute("BEGIN EXCLUSIVE")
    db.execute("INSERT INTO schema_version VALUES ('a', 1)")
    db.execute("COMMIT")
    assert watch.peek()
    assert watch.moved()
    assert not watch.peek()
    watch.close()


def test_a_journal_of_a_writer_that_lives_is_no_reason_for_a_copy(live):
    """Its database is read beside it, not as a copy of all of it."""
    path, db = live
    db.execute("PRAGMA journal_mode = DELETE")
    db.execute("BEGIN IMMEDIATE")
    db.execute("INSERT INTO schema_version VALUES ('a', 1)")
    with opened(path) as seen:
        place = seen.execute("PRAGMA database_list").fetchone()[2]
        rows = seen.execute("SELECT count(*) FROM schema_version").fetchone()
    db.execute("COMMIT")

    assert place == str(path)
    assert rows == (0,)
