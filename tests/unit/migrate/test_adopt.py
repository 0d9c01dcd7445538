"""Adoption: an anima.db of the real system becomes ours, and not one old row is touched."""

import hashlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from apps.anima.store import Store
from apps.migrate import adopt as adopting
from apps.migrate import runner
from apps.migrate.__main__ import main
from apps.migrate.adopt import Adoption, adopt
from apps.migrate.catalog import sqlite as catalog
from apps.migrate.lines import Line, line
from apps.migrate.rebuild import is_adopted, rebuild
from schemas.errors import Diverged, Refused, Unreachable

FEBRUARY = Path(__file__).with_name("february.sql").read_text()
ROOT = Path(__file__).parents[3]
ZONE = "America/Denver"
LUMEN = "49e14444-b59e-48f1-83b8-000000000001"
ANIMA = line("anima")
ABSENT = ("0004.create-outbox",)


def build(file, rows=20_000, sensors=10):
    """A February file."""
    with closing(sqlite3.connect(file, isolation_level=None)) as db:
        db.executescript(FEBRUARY.replace(":rows", str(rows)).replace(":sensors", str(sensors)))


@pytest.fixture
def old(tmp_path):
    """A small one."""
    build(tmp_path / "anima.db", rows=9_000)
    return tmp_path / "anima.db"


def ask(file, sql, *values):
    """What the plain driver reads."""
    with closing(sqlite3.connect(file)) as db:
        return db.execute(sql, values).fetchall()


def change(file, sql):
    """What somebody did by hand."""
    with closing(sqlite3.connect(file)) as db:
        db.executescript(sql)


def contents(file, columns=None):
    """A digest of every row of every table; of these columns, if they are said."""
    columns = columns or {
        table: [name for _, name, *_ in ask(file, f"PRAGMA table_info({table})")]
        for (table,) in ask(file, "SELECT name FROM sqlite_schema WHERE type = 'table'")
        if not table.startswith("sqlite_")
    }
    digests = {}
    with closing(sqlite3.connect(file)) as db:
        db.text_factory = bytes
        for table, names in columns.items():
            sha = hashlib.sha256()
            said = ", ".join(f'typeof("{name}"), "{name}"' for name in names)
            for row in db.execute(f"SELECT rowid, {said} FROM {table} ORDER BY rowid"):
                sha.update(repr(row).encode())
            digests[table] = sha.hexdigest()
    return columns, digests


def beside(file):
    """Names and bytes of the database and of what lies beside it."""
    return {each.name: each.read_bytes() for each in file.parent.iterdir()}


def test_two_hundred_thousand_rows_are_adopted_in_seconds_and_stay_as_they_are(tmp_path):
    """Every table, ours and foreign, to the last byte; the line is at its end."""
    file = tmp_path / "anima.db"
    build(file, rows=200_000)
    columns, before = contents(file)
    began = time.monotonic()
    done = adopt(ANIMA, str(file), ZONE)
    took = time.monotonic() - began

    assert contents(file, columns)[1] == before
    assert took < 10
    assert not done.already
    assert done.applied == ABSENT
    assert done.baselined == tuple(i for i in ANIMA.migrations() if i not in ABSENT)
    assert done.rows["state_history"] == 200_000
    assert set(done.rows) == set(columns) - {"curiosities", "agency_values", "agency_state"}
    assert runner.status(ANIMA, str(file)).settled
    assert runner.apply(ANIMA, str(file)).ran == ()
    assert ask(file, "PRAGMA quick_check") == [("ok",)]


def test_a_whole_copy_is_kept_from_before(old):
    """One file, for its owner, with every row."""
    columns, before = contents(old)
    kept = adopt(ANIMA, str(old), ZONE).snapshot

    assert contents(kept, columns)[1] == before
    assert ask(kept, "SELECT count(*) FROM sqlite_schema WHERE name LIKE '_abode%'") == [(0,)]
    assert kept.stat().st_mode & 0o777 == 0o600
    assert not kept.with_name(f"{kept.name}-wal").exists()


def test_missing_columns_and_indexes_are_added(old):
    """They are the schema's; no row is."""
    done = adopt(ANIMA, str(old), ZONE)

    assert set(done.added) == {
        "identity.last_heartbeat_at", "events_timestamp_idx", "state_history_timestamp_idx",
        "insights_category_idx", "trajectory_events_timestamp_idx",
        "primitive_history_timestamp_idx", "primitive_history_category_pattern_idx",
    }  # fmt: skip
    assert ask(old, "SELECT last_heartbeat_at FROM identity") == [(None,)]
    index = "SELECT sql FROM sqlite_schema WHERE name = 'state_history_timestamp_idx'"
    assert "timestamp DESC" in ask(old, index)[0][0]


def test_what_was_accepted_is_recorded(old):
    """Each object with its SQL, each table with its zone; the log says who came how."""
    were = ask(old, "SELECT type, name FROM sqlite_schema WHERE sql IS NOT NULL"
                    " AND name NOT LIKE 'sqlite%'")  # fmt: skip
    adopt(ANIMA, str(old), ZONE)
    recorded = ask(old, "SELECT kind, name, sql, time_zone FROM _abode_adopted")
    now = dict(ask(old, "SELECT name, sql FROM sqlite_schema"))

    assert {row[:2] for row in recorded} == {*were, ("setting", "user_version")}
    assert all(sql == now[name] for kind, name, sql, _ in recorded if kind != "setting")
    assert {name: zone for kind, name, _, zone in recorded if kind == "table"} == {
        name: "UTC" if name == "trajectory_events" else ZONE
        for kind, name in were
        if kind == "table"
    }
    log = dict(ask(old, "SELECT migration_id, operation FROM _yoyo_log"))
    assert {i for i, operation in log.items() if operation == "apply"} == set(ABSENT)
    assert {i for i, operation in log.items() if operation == "adopt"} == set(log) - set(ABSENT)


def objects(db):
    """Every object as the drift check sees it, but for ledgers and how the file is kept."""
    ledger = ("_abode_", "_yoyo_", "yoyo_lock")
    read = catalog.read(db).items()
    return {
        name: said
        for name, said in read
        if not name.partition(" ")[2].startswith(ledger)
        and name != "pragma journal_mode"
        and f"{ledger[0]}adopted" not in name
    }


def test_an_adopted_file_can_be_built_anew_to_compare_with(old):
    """Equal after adoption, after a rollback and its return; a drift is a difference."""
    adopt(ANIMA, str(old), ZONE)

    def differs():
        with closing(sqlite3.connect(old)) as db, closing(sqlite3.connect(":memory:")) as anew:
            assert is_adopted(db)
            rebuild(ANIMA, db, anew)
            wanted, found = objects(anew), objects(db)
            return {each for each in wanted | found if wanted.get(each) != found.get(each)}

    assert differs() == set()
    runner.rollback(ANIMA, str(old), to="0005", confirm=lambda *_: True)
    assert differs() == set()
    runner.apply(ANIMA, str(old))
    assert differs() == set()
    change(old, "ALTER TABLE events ADD COLUMN mood TEXT; DROP INDEX state_history_timestamp_idx;"
                "DROP TABLE curiosities")  # fmt: skip
    assert {"column events.mood", "index state_history_timestamp_idx"} < differs()
    assert "table curiosities" in differs()


def test_a_second_time_changes_nothing(old, capsys):
    """Exit 0; another zone than the first time is refused."""
    first = ["anima", "adopt", str(old), "--zone", ZONE]
    assert main(first) == 0
    before = beside(old)

    assert main(first) == 0
    assert "already" in capsys.readouterr().out
    assert adopt(ANIMA, str(old), ZONE) == Adoption(already=True, zone=ZONE)
    with pytest.raises(Refused, match="adopted with time zone 'America/Denver', not 'UTC'"):
        adopt(ANIMA, str(old), "UTC")
    assert beside(old) == before


def test_a_file_of_our_own_is_ours_already(tmp_path):
    """Made by the migrations: nothing to adopt."""
    file = tmp_path / "anima.db"
    runner.apply(ANIMA, str(file))
    before = beside(file)

    assert adopt(ANIMA, str(file), ZONE).already
    assert beside(file) == before


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


def test_all_mismatches_are_named_at_once(old, capsys):
    """So that they are put right in one go."""
    change(old, "ALTER TABLE state_history DROP COLUMN presence; DROP TABLE goals;"
                "ALTER TABLE drawing_history DROP COLUMN V;")  # fmt: skip

    assert main(["anima", "adopt", str(old), "--zone", ZONE]) == 4
    said = capsys.readouterr().err
    assert [word in said for word in ("presence", "goals", "drawing_history.V")] == [True] * 3


def test_what_has_nothing_of_ours_is_refused(tmp_path):
    """An empty file, a foreign one, none, no database, a server."""
    file = tmp_path / "anima.db"
    with pytest.raises(Unreachable, match="is missing"):
        adopt(ANIMA, str(file), ZONE)
    change(file, "CREATE TABLE curiosities (id INTEGER)")
    with pytest.raises(Refused, match="has none of anima's tables"):
        adopt(ANIMA, str(file), ZONE)
    file.write_bytes(b"no database at all" * 100)
    with pytest.raises((Diverged, Refused), match="not a database"):
        adopt(ANIMA, str(file), ZONE)
    with pytest.raises(Refused, match="lives in Postgres"):
        adopt(line("governance"), str(file), ZONE)
    assert [each.name for each in tmp_path.iterdir()] == ["anima.db"]


@pytest.mark.parametrize(
    ("zone", "hint"),
    [("America/Denvor", "'America/Denver'"), ("localtime", ""), ("", "IANA"),
     ("../etc/passwd", "IANA"), ("America", "did you mean")],
)  # fmt: skip
def test_an_unknown_zone_is_refused(old, zone, hint):
    """A guess would put every old row at a wrong hour."""
    with pytest.raises(Refused, match="no time zone") as refused:
        adopt(ANIMA, str(old), zone)
    assert hint in refused.value.hint


def test_a_damaged_file_is_refused_before_anything_is_done(old):
    """A copy of it would be no copy."""
    content = bytearray(old.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 4096] = os.urandom(4096)
    old.write_bytes(content)

    with pytest.raises((Diverged, Refused)):
        adopt(ANIMA, str(old), ZONE)
    assert old.read_bytes() == content
    assert "_abode_adopted" not in str(ask(old, "SELECT name FROM sqlite_schema"))


KILLED = """
import os, signal, sys
from apps.migrate.adopt import adopt
from apps.migrate.ledger import Ledger
from apps.migrate.lines import line
name, after = sys.argv[2], int(sys.argv[3])
left, was = [after], getattr(Ledger, name)
def until(*words, **more):
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    left[0] -= 1
    return was(*words, **more)
setattr(Ledger, name, until)
adopt(line("anima"), sys.argv[1], "America/Denver")
"""


@pytest.mark.parametrize(
    ("step", "after"), [("baseline", 0), ("step", 0), ("baseline", 6), ("release", 0)]
)
def test_killed_at_any_moment_it_is_adopted_wholly_or_not_at_all(old, step, after):
    """And the next run ends it."""
    columns, before = contents(old)
    command = [sys.executable, "-c", KILLED, str(old), step, str(after)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False, timeout=60)
    adopted = "_abode_adopted" in {name for (name,) in ask(old, "SELECT name FROM sqlite_schema")}

    assert done.returncode == -signal.SIGKILL, done.stderr
    assert adopted == (step == "release")
    assert contents(old, columns)[1] == before
    assert adopt(ANIMA, str(old), ZONE).already == adopted
    assert contents(old, columns)[1] == before
    assert runner.status(ANIMA, str(old)).settled


def test_whoever_writes_meanwhile_goes_on_writing(old):
    """Neither waits for ever nor loses a row: the real system may still run."""
    stop, wrote, failed = threading.Event(), [], []

    def write():
        with closing(sqlite3.connect(old, timeout=5)) as db:
            while not stop.is_set():
                try:
                    with db:
                        insert = "INSERT INTO events (timestamp, event_type) VALUES (?, 'wake')"
                        at = f"2026-02-20T10:00:00.{len(wrote):06}"
                        db.execute(insert, (at,))
                    wrote.append(at)
                except sqlite3.Error as error:
                    failed.append(error)

    before = ask(old, "SELECT id, timestamp FROM events")
    thread = threading.Thread(target=write)
    thread.start()
    try:
        done = adopt(ANIMA, str(old), ZONE)
    finally:
        stop.set()
        thread.join()

    assert not failed
    assert not done.already
    assert len(wrote) > 10
    after = ask(old, "SELECT id, timestamp FROM events ORDER BY id")
    assert after[: len(before)] == before
    assert [at for _, at in after[len(before) :]] == wrote


def test_tables_that_change_after_the_look_are_not_adopted(old, monkeypatch):
    """What was compared is what is adopted."""
    copy = adopting.snapshot

    def meddled(*words):
        change(old, "ALTER TABLE events ADD COLUMN epoch INTEGER NOT NULL DEFAULT 1")
        return copy(*words)

    monkeypatch.setattr(adopting, "snapshot", meddled)
    with pytest.raises(Refused, match="changed meanwhile"):
        adopt(ANIMA, str(old), ZONE)
    monkeypatch.undo()

    assert not adopt(ANIMA, str(old), ZONE).already


def test_a_copy_that_lacks_rows_stops_it(old, monkeypatch):
    """Counted, not believed."""
    copy = adopting.snapshot

    def short(*words):
        kept = copy(*words)
        change(kept, "DELETE FROM memories WHERE event_id = 'm1'")
        return kept

    monkeypatch.setattr(adopting, "snapshot", short)
    with pytest.raises(Diverged, match=r"memories has 8799 rows, anima\.db has 8800"):
        adopt(ANIMA, str(old), ZONE)
    assert not runner.status(ANIMA, str(old)).applied


def test_columns_of_a_later_year_are_accepted(old):
    """As long as a row can do without them."""
    change(old, "ALTER TABLE state_history ADD COLUMN epoch INTEGER NOT NULL DEFAULT 1;"
                "ALTER TABLE relationships ADD COLUMN visitor_type TEXT DEFAULT 'agent';"
                "ALTER TABLE identity ADD COLUMN last_heartbeat_at TEXT;")  # fmt: skip
    done = adopt(ANIMA, str(old), ZONE)

    assert "identity.last_heartbeat_at" not in done.added
    assert ask(old, "SELECT DISTINCT epoch FROM state_history") == [(1,)]


def test_old_rows_are_read_in_utc(old):
    """By the declared zone, winter and summer; rows with an offset as they are."""
    adopt(ANIMA, str(old), ZONE)
    change(old, "UPDATE drawing_history SET timestamp = '2025-10-31T09:08:07' WHERE id = 499;"
                "UPDATE drawing_history SET timestamp = '2026-02-20T09:08:07.5' WHERE id = 500;"
                "INSERT INTO drawing_history (timestamp, E, I, S, V, C, marks) VALUES"
                " ('2026-02-20T16:08:08+00:00', 0.5, 0.5, 0.5, 0, 0.5, 1)")  # fmt: skip
    store = Store(old, "lumen")
    store.start()
    rows = store.get_recent_drawing_history(3)
    store.close(5)

    assert [row.timestamp.isoformat() for row in rows] == [
        "2025-10-31T15:08:07+00:00", "2026-02-20T16:08:07.500000+00:00",
        "2026-02-20T16:08:08+00:00",
    ]  # fmt: skip


@pytest.fixture
def creature(old, tmp_path):
    """The anima process on the adopted file; governance is down."""
    token = tmp_path / "token"
    token.write_text("canary-token")
    told = {
        "PATH": os.environ["PATH"], "ANIMA_HOME": str(tmp_path), "ANIMA_AGENT": "lumen",
        "ANIMA_DRAW_EVERY_SECONDS": "0.002", "ANIMA_SENSE_EVERY_SECONDS": "0.1",
        "ANIMA_CHECK_IN_EVERY_SECONDS": "0.1", "GOVERNANCE_URL": "http://127.0.0.1:9",
        "GOVERNANCE_TOKEN_FILE": str(token),
    }  # fmt: skip
    started = []

    def start():
        command = [sys.executable, "-W", "error", "-m", "apps.anima"]
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, cwd=ROOT, env=told, stdout=pipe, stderr=pipe, text=True)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_anima_wakes_on_it_as_the_same_creature_and_goes_on(old, creature, tmp_path):
    """Lumen keeps its name, its birth and its count; every old row stays as it was."""
    refused = creature()
    assert "migration 0001.create-identity-and-events is missing" in refused.communicate()[1]
    assert refused.returncode == 4

    adopt(ANIMA, str(old), ZONE)
    columns, before = contents(old)
    picture = {"pixels": {"7,7": [1, 2, 3]}, "mark_count": 9, "drawing_phase": "exploring"}
    (tmp_path / "canvas.json").write_text(json.dumps(picture))
    process = creature()
    drawn = "SELECT count(*) FROM drawing_history WHERE id > 500"
    until = time.monotonic() + 20
    while ask(old, drawn)[0][0] < 3 or not ask(old, "SELECT count(*) FROM outbox")[0][0]:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=20)

    assert (process.returncode, err) == (0, "")
    assert "7,7" in json.loads((tmp_path / "canvas.json").read_text())["pixels"]
    ((*who, metadata),) = ask(
        old, "SELECT creature_id, name, born_at, total_awakenings, metadata FROM identity"
    )
    assert who == [LUMEN, "Lumen", "2025-12-01T09:30:00.123456", 2053]
    assert json.loads(metadata)["theme"] == "dusk"
    (alive,) = ask(old, "SELECT total_alive_seconds FROM identity")[0]
    assert alive > 1234567.25
    new = ask(old, "SELECT timestamp FROM drawing_history WHERE id > 500")
    assert all(at.endswith("+00:00") for (at,) in new)
    (body,) = ask(old, "SELECT body FROM outbox ORDER BY id DESC LIMIT 1")[0]
    assert json.loads(body)["identity"]["awakenings"] == 2053
    for table, last in (("drawing_history", 500), ("events", 3701), ("state_history", 9000)):
        change(old, f"DELETE FROM {table} WHERE id > {last}")
    same = {"events", "state_history", "drawing_history", "memories", "curiosities"}
    after = contents(old, columns)[1]
    assert {table: after[table] for table in same} == {table: before[table] for table in same}


def test_a_line_that_goes_on_after_adoption_applies_to_it(old, tmp_path):
    """The next migration finds the adopted tables."""
    adopt(ANIMA, str(old), ZONE)
    folder = tmp_path / "line"
    folder.mkdir()
    for file in ANIMA.folder.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    number = f"{len(ANIMA.migrations()) + 1:04}"
    (folder / f"{number}.add-mood.sql").write_text(
        "-- ensure: SELECT count(*) = 1 FROM pragma_table_info('events') WHERE name = 'mood'\n"
        "ALTER TABLE events ADD COLUMN mood TEXT;"
    )
    (folder / f"{number}.add-mood.rollback.sql").write_text(
        "-- lossy: moods\nALTER TABLE events DROP COLUMN mood;"
    )
    longer = Line("anima", "sqlite", folder)

    assert runner.apply(longer, str(old)).ran == (f"{number}.add-mood",)
