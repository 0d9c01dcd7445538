"""Every drift planted in a live anima.db is reported by object; a clean one has none."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from apps.migrate import runner
from apps.migrate.__main__ import main
from apps.migrate.adopt import adopt
from apps.migrate.catalog import build, difference, shown, snapshot
from apps.migrate.check import check
from apps.migrate.lines import line

FEBRUARY = Path(__file__).parents[1] / "migrate/february.sql"
"""The tables as the real system made them."""
REBUILT = """
PRAGMA writable_schema = on;
UPDATE sqlite_schema SET sql = replace(sql, {}) WHERE name = '{}';
PRAGMA writable_schema = reset;
"""
PLANTED = {
    "column added": (
        "ALTER TABLE drawing_history ADD COLUMN mood TEXT",
        {"column drawing_history.mood"},
    ),
    "column dropped": (
        "ALTER TABLE outbox DROP COLUMN last_error",
        {"column outbox.last_error"},
    ),
    "column renamed": (
        "ALTER TABLE outbox RENAME COLUMN last_error TO error",
        {"column outbox.last_error", "column outbox.error"},
    ),
    "type changed": (
        REBUILT.format("'total_awakenings INTEGER', 'total_awakenings REAL'", "identity"),
        {"column identity.total_awakenings"},
    ),
    "default changed": (
        REBUILT.format(
            "'attempts INTEGER NOT NULL DEFAULT 0', 'attempts INTEGER NOT NULL'", "outbox"
        ),
        {"column outbox.attempts"},
    ),
    "null allowed": (
        REBUILT.format("'reason TEXT NOT NULL', 'reason TEXT'", "outbox_rejected"),
        {"column outbox_rejected.reason"},
    ),
    "check dropped": (
        REBUILT.format("'CHECK (E BETWEEN 0 AND 1)', ''", "drawing_history"),
        {"constraint drawing_history.E"},
    ),
    "check widened": (
        REBUILT.format("'CHECK (warmth BETWEEN 0 AND 1)', 'CHECK (warmth >= 0)'", "state_history"),
        {"constraint state_history.warmth"},
    ),
    "no longer strict": (
        REBUILT.format("'STRICT', ''", "events"),
        {"table events"},
    ),
    "numbers may be used again": (
        REBUILT.format("'PRIMARY KEY AUTOINCREMENT', 'PRIMARY KEY'", "events"),
        {"column events.id"},
    ),
    "index dropped": (
        "DROP INDEX idx_drawing_history_time",
        {"index idx_drawing_history_time"},
    ),
    "index changed": (
        "DROP INDEX events_timestamp_idx; CREATE INDEX events_timestamp_idx ON events (timestamp)",
        {"index events_timestamp_idx"},
    ),
    "index added": (
        "CREATE INDEX by_hand ON events (event_type)",
        {"index by_hand"},
    ),
    "table added": (
        "CREATE TABLE scratchpad (note TEXT)",
        {"table scratchpad", "column scratchpad.note"},
    ),
    "trigger added": (
        "CREATE TRIGGER hush AFTER INSERT ON events BEGIN DELETE FROM events; END",
        {"trigger events.hush"},
    ),
    "columns in another order": (
        (
            "ALTER TABLE drawing_history RENAME COLUMN phase TO old;"
            "ALTER TABLE drawing_history ADD COLUMN phase TEXT CHECK (length(phase) > 0);"
            "ALTER TABLE drawing_history DROP COLUMN old"
        ),
        {"table drawing_history"},
    ),
    "trigger on the ledger": (
        "CREATE TRIGGER hush AFTER INSERT ON _yoyo_log BEGIN DELETE FROM _yoyo_log; END",
        {"trigger _yoyo_log.hush"},
    ),
    "table that looks like the ledger's": (
        "CREATE TABLE _yoyo_x (note TEXT)",
        {"table _yoyo_x", "column _yoyo_x.note"},
    ),
    "view added": (
        "CREATE VIEW moods AS SELECT warmth FROM state_history",
        {"view moods"},
    ),
    "user_version set": (
        "PRAGMA user_version = 7",
        {"pragma user_version"},
    ),
    "no write-ahead log": (
        "PRAGMA journal_mode = DELETE",
        {"pragma journal_mode"},
    ),
}


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    """A migrated file that nobody touched."""
    path = tmp_path_factory.mktemp("clean") / "anima.db"
    runner.apply(line("anima"), str(path))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


@pytest.fixture
def live(clean, tmp_path):
    """A copy of it."""
    path = tmp_path / "anima.db"
    path.write_bytes(clean.read_bytes())
    return path


@pytest.mark.parametrize("drift", PLANTED)
def test_a_drift_is_reported_by_object(live, drift):
    """What was changed, and nothing else."""
    statements, reported = PLANTED[drift]
    with closing(sqlite3.connect(live)) as connection:
        connection.executescript(statements)
    found = check(line("anima"), str(live))
    assert {each.object for each in found} == reported, shown(found)


def test_a_clean_file_has_none(live):
    """And looking leaves no trace beside it."""
    before = live.read_bytes()
    assert check(line("anima"), str(live)) == []
    assert live.read_bytes() == before
    assert [path.name for path in live.parent.iterdir()] == ["anima.db"]


def test_an_adopted_file_keeps_the_shapes_that_were_there_before_us(tmp_path):
    """And a drift from those is one all the same."""
    path = tmp_path / "anima.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(FEBRUARY.read_text())
        connection.execute("PRAGMA journal_mode = WAL")
    adopt(line("anima"), str(path), "America/Denver")
    assert check(line("anima"), str(path)) == []
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("ALTER TABLE events ADD COLUMN mood TEXT")
    found = check(line("anima"), str(path))
    assert {each.object for each in found} == {"column events.mood"}, shown(found)


def test_the_committed_snapshot_of_anima_is_what_its_migrations_build():
    """``python -m apps.migrate.catalog anima`` writes it."""
    anima = line("anima")
    found = difference(snapshot.read(anima), build.in_file(anima))
    assert not found, shown(found)


def test_the_command_exits_four_on_drift(live, capsys):
    """And names it; it exits 0 where there is none."""
    assert main(["anima", "check", "--database", str(live)]) == 0
    with closing(sqlite3.connect(live)) as connection:
        connection.execute("CREATE INDEX by_hand ON events (event_type)")
    assert main(["anima", "check", "--database", str(live)]) == 4
    assert "index by_hand: unexpected" in capsys.readouterr().out
