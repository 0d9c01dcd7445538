"""Adoption beside the living: killed, written to meanwhile, and woken on afterwards."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing

import pytest

from apps.anima.canvas import load
from apps.anima.store import Store
from apps.migrate import adopt as adopting
from apps.migrate import runner
from apps.migrate.adopt import adopt
from apps.migrate.check import check
from apps.migrate.lines import Line
from schemas.errors import Diverged, Refused
from tests.unit.migrate.february import ANIMA, LUMEN, ROOT, ZONE, ask, change, contents

KILLED = """
import os, signal, sys
from apps.migrate import adopt as adopting
from apps.migrate.ledger import Ledger
from apps.migrate.lines import line
name, after = sys.argv[2], int(sys.argv[3])
of = Ledger if hasattr(Ledger, name) else adopting
left, was = [after], getattr(of, name)
def until(*words, **more):
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    left[0] -= 1
    return was(*words, **more)
setattr(of, name, until)
adopting.adopt(line("anima"), sys.argv[1], "America/Denver")
"""


@pytest.mark.parametrize(
    ("step", "after"), [("baseline", 0), ("step", 0), ("baseline", 6), ("Adoption", 0)]
)
def test_killed_at_any_moment_it_is_adopted_wholly_or_not_at_all(old, step, after):
    """And the next run ends it."""
    columns, before = contents(old)
    command = [sys.executable, "-c", KILLED, str(old), step, str(after)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False, timeout=60)
    adopted = "_abode_adopted" in {name for (name,) in ask(old, "SELECT name FROM sqlite_schema")}

    assert done.returncode == -signal.SIGKILL, done.stderr
    assert adopted == (step == "Adoption")
    assert contents(old, columns)[1] == before
    assert adopt(ANIMA, str(old), ZONE).already == adopted
    assert contents(old, columns)[1] == before
    assert runner.status(ANIMA, str(old)).settled


def test_whoever_writes_meanwhile_goes_on_writing(old):
    """Neither waits for ever nor loses a row: the real system may still run."""
    stop, wrote, failed = threading.Event(), [], []

    def write():
        with closing(sqlite3.connect(old, timeout=5)) as db:
            while not stop.wait(0.002):  # SQLite's lock is not fair
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
    assert len(wrote) > 2
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

    assert "yoyo" not in str(ask(old, "SELECT name FROM sqlite_schema"))
    assert not adopt(ANIMA, str(old), ZONE).already


def test_rows_that_come_after_the_look_are_looked_at(old, monkeypatch):
    """A null that was not there when the copy was made: nothing of ours stays in the file."""
    copy = adopting.snapshot
    null = "INSERT INTO state_history (timestamp) VALUES ('2026-02-20T10:00:00')"

    def meddled(*words):
        change(old, f"{null}; PRAGMA wal_checkpoint(TRUNCATE)")
        return copy(*words)

    monkeypatch.setattr(adopting, "snapshot", meddled)
    with pytest.raises(Diverged, match="warmth: is null in 1 row"):
        adopt(ANIMA, str(old), ZONE)
    after = old.read_bytes()
    change(old, "PRAGMA wal_checkpoint(TRUNCATE)")

    assert old.read_bytes() == after
    assert "yoyo" not in str(ask(old, "SELECT name FROM sqlite_schema"))


def test_a_step_that_fails_leaves_the_file_as_it_was(old, monkeypatch):
    """Whatever the reason: to the byte, without a ledger."""
    before = old.read_bytes()

    def full(*_):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(adopting, "_record", full)
    with pytest.raises(Refused, match="full"):
        adopt(ANIMA, str(old), ZONE)
    assert old.read_bytes() == before


def test_apply_on_a_file_of_somebody_else_says_what_to_do(old):
    """And what it leaves there does not stand in adoption's way."""
    with pytest.raises(Refused, match="already exists") as refused:
        runner.apply(ANIMA, str(old))
    assert f"abode migrate anima adopt {old} --zone" in refused.value.hint
    adopt(ANIMA, str(old), ZONE)
    assert check(ANIMA, str(old)) == []


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
    canvas, _ = load(tmp_path / "canvas.json")
    assert (7, 7) in {(x, y) for x, y, _ in canvas.pixels()}
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
    assert check(longer, str(old)) == []


EDITS = {
    "a table's text": "UPDATE _abode_adopted SET sql = replace(sql, 'data TEXT', 'data TEXT, zz')"
    " WHERE name = 'events'; ALTER TABLE events ADD COLUMN zz",
    "an index forgotten": "DROP INDEX idx_insights_category;"
    " DELETE FROM _abode_adopted WHERE name = 'idx_insights_category'",
    "another zone": "UPDATE _abode_adopted SET time_zone = 'UTC' WHERE name = 'drawing_history'",
}


@pytest.mark.parametrize("sql", EDITS.values(), ids=EDITS)
def test_a_record_that_was_edited_is_a_drift(old, sql):
    """The ledger says what was accepted of our tables; the record alone vouches for nothing."""
    adopt(ANIMA, str(old), ZONE)
    assert check(ANIMA, str(old)) == []
    change(old, sql)

    with pytest.raises(Diverged, match="_abode_adopted: is not what was accepted of 000"):
        check(ANIMA, str(old))
