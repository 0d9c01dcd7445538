"""What adoption compares, each seen to differ: named, and nothing is changed."""

import pytest

from apps.migrate.adopt import adopt
from schemas.errors import Diverged
from tests.unit.migrate.february import ANIMA, ZONE, beside, build, change


@pytest.fixture
def old(tmp_path):
    """A February file of a few rows: it is its shape that counts."""
    build(tmp_path / "anima.db", rows=50)
    return tmp_path / "anima.db"


def remade(table, old, new):
    """The same file with one table made in other words; its rows stay."""
    return (
        "PRAGMA writable_schema = 1; UPDATE sqlite_schema SET sql = replace(sql, "
        f"'{quoted(old)}', '{quoted(new)}') WHERE name = '{table}'"
    )


def quoted(text):
    """Within a literal."""
    return text.replace("'", "''")


MISMATCHES = {
    "ALTER TABLE state_history DROP COLUMN presence": "state_history.presence: is missing",
    "ALTER TABLE events ADD COLUMN who TEXT NOT NULL DEFAULT ''; "
    "PRAGMA writable_schema = 1; UPDATE sqlite_schema SET sql = replace(sql, ' DEFAULT ''''', '')"
    " WHERE name = 'events'": "events.who: is unknown to us, and every row must have it",
    "DROP TABLE goals": "goals: is missing, expected a table; memories, preferences, "
    "relationships of 0005.create-growth is there",
    "DROP TABLE goals; CREATE VIEW goals AS SELECT 1 AS goal_id": "goals: is a view",
    "UPDATE state_history SET warmth = NULL WHERE id = 7":
    "state_history.warmth: is null in 1 row, expected in none",
    "DROP TABLE insights; CREATE TABLE insights (id INTEGER PRIMARY KEY, category TEXT, "
    "description TEXT, confidence REAL, sample_count INTEGER, discovered_at TEXT, "
    "last_validated TEXT, validation_count INTEGER, contradiction_count INTEGER)":
    "insights.id: is INTEGER, expected TEXT",
    "DROP TABLE preferences; CREATE TABLE preferences (name TEXT, category TEXT PRIMARY KEY, "
    "description TEXT, value BLOB, confidence REAL, observation_count INTEGER, "
    "first_noticed TEXT, last_confirmed TEXT)": "preferences.name: is no part of the key, expected",
    "DROP TABLE agency_state; DROP TABLE primitive_token_weights; CREATE TABLE "
    "primitive_token_weights (token TEXT PRIMARY KEY, weight REAL, success_count INTEGER, "
    "failure_count INTEGER, last_updated TEXT NOT NULL)":
    "primitive_token_weights.last_updated: is NOT NULL, and may be null for us",
    "CREATE UNIQUE INDEX one_a_day ON events (timestamp)":
    "events: UNIQUE (timestamp) is not ours",
    "DROP TABLE primitive_history; CREATE TABLE primitive_history (id INTEGER PRIMARY KEY, "
    "timestamp TEXT, tokens TEXT, category_pattern TEXT, warmth REAL, brightness REAL, "
    "stability REAL, presence REAL, score REAL, feedback_signals TEXT)":
    "primitive_history: UNIQUE (timestamp,tokens) is missing",
    "CREATE TRIGGER busy AFTER INSERT ON events BEGIN SELECT 1; END":
    "events: has a trigger, busy, that is not ours",
    "DROP TABLE events; CREATE TABLE events (id INTEGER PRIMARY KEY, timestamp TEXT CHECK "
    "(length(timestamp) < 20), event_type TEXT, data TEXT)": "events: has a CHECK of its own",
    "DROP TABLE goals; CREATE TABLE goals (goal_id TEXT PRIMARY KEY, description TEXT, motivation "
    "TEXT, status TEXT REFERENCES agency_state (key), created_at TEXT, target_date TEXT, "
    "progress REAL, milestones TEXT, last_worked_on TEXT)": "goals: points at other tables",
    "CREATE INDEX events_timestamp_idx ON events (event_type)":
    "events_timestamp_idx: is another index",
    "DROP TABLE events; CREATE TABLE events (id INT PRIMARY KEY, timestamp TEXT, event_type TEXT, "
    "data TEXT)": "events.id: is INT, expected INTEGER",
    "DROP INDEX idx_drawing_history_time; CREATE INDEX idx_drawing_history_time ON drawing_history "
    "(timestamp DESC) WHERE marks > 10": "idx_drawing_history_time: is another index",
    "DROP INDEX idx_drawing_history_time; CREATE INDEX idx_drawing_history_time ON drawing_history "
    "(timestamp COLLATE NOCASE DESC)": "idx_drawing_history_time: is another index, expected",
    "CREATE TABLE kid (timestamp TEXT); CREATE INDEX events_timestamp_idx ON kid (timestamp DESC)":
    "events_timestamp_idx: is another index, expected CREATE INDEX events_timestamp_idx ON events",
    "DROP TABLE insights; CREATE TABLE kid (category TEXT); CREATE INDEX insights_category_idx "
    "ON kid (category)": "insights_category_idx: is another index",
    "CREATE UNIQUE INDEX one_each ON preferences (lower(name))":
    "preferences: UNIQUE (an expression) is not ours",
    remade("primitive_history", "UNIQUE(timestamp, tokens)", "UNIQUE(timestamp, tokens "
    "COLLATE NOCASE)"): "UNIQUE (timestamp,tokens COLLATE NOCASE) is not ours",
    remade("events", " AUTOINCREMENT", ""): "events: has no AUTOINCREMENT",
    remade("relationships", "agent_id TEXT PRIMARY KEY", "agent_id TEXT PRIMARY KEY "
    "COLLATE NOCASE"): "relationships: has COLLATE NOCASE, that is not ours",
    remade("relationships", "agent_id TEXT PRIMARY KEY", "agent_id TEXT PRIMARY KEY "
    "ON CONFLICT IGNORE"): "relationships: has ON CONFLICT IGNORE, that is not ours",
    remade("events", "DEFAULT '{}'", "DEFAULT 'not json'"):
    "events.data: has DEFAULT 'not json', expected '{}'",
    remade("events", "DEFAULT '{}'", ""): "events.data: has no DEFAULT, expected '{}'",
    "ALTER TABLE events RENAME COLUMN data TO DATA": "events.data: is called DATA",
    "ALTER TABLE events RENAME TO x; ALTER TABLE x RENAME TO Events": "events: is called Events",
    "ALTER TABLE events DROP COLUMN data; ALTER TABLE events ADD COLUMN data TEXT "
    "GENERATED ALWAYS AS ('{}') VIRTUAL": "events.data: is computed",
    "ALTER TABLE events ADD COLUMN d2 TEXT AS (lower(event_type))": "events.d2: is computed",
    "CREATE VIEW Outbox AS SELECT 1": "outbox: is a view",
}  # fmt: skip


@pytest.mark.parametrize("sql", MISMATCHES, ids=MISMATCHES.values())
def test_a_mismatch_is_named_and_nothing_is_changed(old, sql):
    """Neither in the file nor beside it."""
    change(old, sql)
    before = beside(old)

    with pytest.raises(Diverged) as wrong:
        adopt(ANIMA, str(old), ZONE)
    assert MISMATCHES[sql] in wrong.value.message
    assert beside(old) == before


SAME = {
    "DEFAULT 0.0": remade("preferences", "DEFAULT 0.0", "DEFAULT (0)"),
    "COLLATE BINARY": remade("events", "event_type TEXT", "event_type TEXT COLLATE BINARY"),
    "a comment": remade("events", "event_type TEXT NOT", "event_type TEXT /* COLLATE x */ NOT"),
    "a foreign column": "ALTER TABLE insights ADD COLUMN active INTEGER NOT NULL DEFAULT 1",
    "a foreign index": "CREATE INDEX strong ON insights (confidence * 2) WHERE confidence > 0.5",
}


@pytest.mark.parametrize("sql", SAME.values(), ids=SAME)
def test_what_means_the_same_is_adopted(old, sql):
    """Other words, and what is not ours and in nobody's way."""
    change(old, sql)

    assert not adopt(ANIMA, str(old), ZONE).already
