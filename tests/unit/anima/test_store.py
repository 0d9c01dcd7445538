"""The store: one writer, nothing lost in silence."""

import json
import os
import sqlite3
import threading
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from apps.anima.checkin import compose, new_boot_id
from apps.anima.instants import as_instant
from apps.anima.requeue import requeue
from apps.anima.store import Store
from apps.anima.writer import BATCH_LIMIT, QUEUE_LIMIT
from apps.migrate.lines import line
from apps.sqlite import as_text, connect
from schemas.anima.tables import AnimaState, Event, EventType
from schemas.bridge import CheckIn
from schemas.errors import Diverged, Refused, Unreachable

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
BOOT = "0123456789abcdef"
NEWEST = line("anima").migrations()[-1]


def _rows(path, sql):
    db = sqlite3.connect(path)
    rows = db.execute(sql).fetchall()
    db.close()
    return rows


@pytest.fixture
def build(anima):
    """Composes check-ins without readings."""
    return compose("lumen", BOOT, NOW, anima=anima, readings=[], dropped=0)


def test_the_file_is_opened_to_survive_a_power_cut(path):
    """WAL, a sync at every commit, and patience with a lock."""
    db = connect(path)
    pragmas = {
        name: db.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("journal_mode", "synchronous", "busy_timeout", "foreign_keys")
    }
    db.close()

    assert pragmas == {
        "journal_mode": "wal",
        "synchronous": 2,
        "busy_timeout": 5000,
        "foreign_keys": 1,
    }


def test_a_relative_path_is_refused(tmp_path, monkeypatch):
    """A store must not depend on where a process was started."""
    monkeypatch.chdir(tmp_path)

    with pytest.raises(Refused, match="relative"):
        connect(type(tmp_path)("anima.db"))
    with pytest.raises(Refused, match="relative"):
        Store(type(tmp_path)("anima.db"), "lumen").start()
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_have_a_wal_is_refused(path, monkeypatch):
    """SQLite answers with the mode it took, and no error."""
    memory = sqlite3.connect(":memory:", isolation_level=None)
    monkeypatch.setattr("apps.sqlite.sqlite3.connect", lambda *_, **__: memory)

    with pytest.raises(Diverged, match="journal mode is memory, not wal"):
        connect(path)


def test_drawing_history_comes_back_exactly_and_oldest_first(store, drawing_state):
    """Every number to the last bit."""
    states = [drawing_state(marks=marks, E=marks / 7) for marks in range(1, 6)]
    for state in states:
        store.record_drawing_state(state)
    recent = store.get_recent_drawing_history(3)

    assert [row.model_copy(update={"id": None}) for row in recent] == states[2:]
    assert [row.id for row in recent] == [3, 4, 5]


def test_text_order_is_time_order():
    """With and without microseconds, in whatever zone it was taken."""
    later = NOW + timedelta(microseconds=1)
    abroad = NOW.astimezone(datetime.now().astimezone().tzinfo)

    assert as_text(NOW) < as_text(later)
    assert as_text(abroad) == as_text(NOW) == "2026-11-20T12:00:00.000000+00:00"


def test_a_failed_record_is_counted_and_its_neighbours_are_kept(store, path, drawing_state, capsys):
    """One poisoned row; said once, counted each time."""
    bad = drawing_state().model_copy(update={"E": 7.0})
    for state in (drawing_state(1), bad, drawing_state(2), bad, drawing_state(3)):
        store.record_drawing_state(state)

    assert [row.marks for row in store.get_recent_drawing_history(9)] == [1, 2, 3]
    assert store.dropped.counts == {"drawing_history": 2}
    assert capsys.readouterr().out.count("record dropped") == 1


def test_what_is_queued_together_is_committed_together(store, path):
    """While one commit runs, the next ones gather: fewer syncs than rows."""
    gate = threading.Event()
    store._writer.submit("test", lambda _: gate.wait(5))
    before = _rows(path, "SELECT count(*) FROM state_history")
    row = {"timestamp": NOW, "warmth": 0.5, "clarity": 0.5, "stability": 0.5, "presence": 0.5}
    promises = [store.record_state(AnimaState.model_validate(row)) for _ in range(50)]
    marker = store._writer.submit("test", lambda db: db.execute("SELECT 1").fetchone()[0])

    assert before == [(0,)]

    gate.set()
    assert marker.result(5) == 1
    for promise in promises:
        promise.result(5)
    assert _rows(path, "SELECT count(*) FROM state_history") == [(50,)]


def test_a_full_queue_refuses_and_counts(store):
    """The drawing loop never waits for a card that hangs."""
    gate = threading.Event()
    store._writer.submit("test", lambda _: gate.wait(10))
    event = Event(timestamp=NOW, event_type=EventType.WAKE)
    for _ in range(QUEUE_LIMIT + BATCH_LIMIT + 10):
        last = store.record_event(event)
    dropped = store.dropped.counts["events"]
    gate.set()

    with pytest.raises(sqlite3.OperationalError, match="full"):
        last.result(1)
    assert dropped >= 9


def test_a_check_in_carries_its_seq_and_the_last_recorded_step(store, path, build, drawing_state):
    """The very numbers of the row, after a round trip through JSON."""
    store.wake(NOW)
    store.record_drawing_state(drawing_state(10))
    store.record_drawing_state(drawing_state(20, V=-1 / 3))
    seq = store.enqueue_checkin(BOOT, NOW, build)
    (waiting,) = store.oldest_checkins(5)
    said = json.loads(waiting.body)
    names = list(said["sensor_data"]["drawing_eisv"])
    (row,) = _rows(path, f"SELECT {', '.join(names)} FROM drawing_history ORDER BY id DESC LIMIT 1")

    assert CheckIn.model_validate_json(waiting.body).seq == seq == waiting.id
    assert list(row) == list(said["sensor_data"]["drawing_eisv"].values())
    assert {"E", "I", "S", "V", "C", "marks", "phase", "era", "arc_phase"} <= set(names)
    assert said["identity"] == {"awakenings": 1, "alive_seconds": 0.0}


def test_without_a_recorded_step_none_is_invented(store, build):
    """The snapshot is absent, the check-in is whole."""
    store.enqueue_checkin(BOOT, NOW, build)
    (waiting,) = store.oldest_checkins(1)

    assert "drawing_eisv" not in json.loads(waiting.body)["sensor_data"]


def test_a_check_in_that_cannot_be_built_leaves_no_trace(store, path):
    """The id and the body come in one transaction or not at all."""

    def build(seq, snapshot):
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        store.enqueue_checkin(BOOT, NOW, build)
    assert _rows(path, "SELECT id FROM outbox") == []
    assert store.dropped.total == 0


def test_the_outbox_is_a_queue(store, path, build):
    """Oldest first; acknowledged is gone; rejected is set aside whole; failed stays."""
    seqs = [store.enqueue_checkin(BOOT, NOW, build) for _ in range(3)]
    store.acknowledge(seqs[0])
    store.note_attempt(seqs[1], "HTTP 503")
    store.reject(seqs[2], NOW, "HTTP 422: no")

    assert [(w.id, w.attempts) for w in store.oldest_checkins(9)] == [(seqs[1], 1)]
    ((seq, body, reason),) = _rows(path, "SELECT id, body, reason FROM outbox_rejected")
    assert (seq, reason) == (seqs[2], "HTTP 422: no")
    assert json.loads(body)["seq"] == seqs[2]


def test_rejected_check_ins_are_bounded(store, path, build, monkeypatch):
    """The oldest go first, and every one is counted."""
    monkeypatch.setattr("apps.anima.outbox.REJECTED_LIMIT", 3)
    for _ in range(5):
        store.reject(store.enqueue_checkin(BOOT, NOW, build), NOW, "no")

    assert _rows(path, "SELECT id FROM outbox_rejected") == [(3,), (4,), (5,)]
    assert store.dropped.counts == {"rejected": 2}


def test_rejected_check_ins_can_be_sent_again(store, path, build, capsys):
    """Under their old seq, before newer ones, while the process runs."""
    seqs = [store.enqueue_checkin(BOOT, NOW, build) for _ in range(3)]
    for seq in seqs[:2]:
        store.reject(seq, NOW, "HTTP 422: a server that was wrong")

    assert requeue({"ANIMA_HOME": str(path.parent)}) == 2
    waiting = store.oldest_checkins(9)
    assert [(one.id, json.loads(one.body)["seq"]) for one in waiting] == [(n, n) for n in seqs]
    assert _rows(path, "SELECT count(*) FROM outbox_rejected") == [(0,)]
    assert "requeued count=2" in capsys.readouterr().out
    assert requeue({"ANIMA_HOME": str(path.parent)}) == 0


def test_requeue_says_where_it_looked(tmp_path):
    """And makes no file."""
    with pytest.raises(Refused, match="ANIMA_HOME"):
        requeue({})
    with pytest.raises(Unreachable, match="missing"):
        requeue({"ANIMA_HOME": str(tmp_path)})
    assert list(tmp_path.iterdir()) == []


def test_the_creature_counts_its_awakenings_and_its_time(store, path):
    """Born once; alive for what the heartbeats say; a wake without a sleep is noted."""
    assert store.wake(NOW) is None
    store.heartbeat(NOW, 30.0)
    store.heartbeat(NOW + timedelta(seconds=30), 12.5)
    store.remember_action("pause")

    assert store.wake(NOW + timedelta(days=1)) == "pause"
    identity = "SELECT born_at, total_awakenings, total_alive_seconds, name FROM identity"
    assert _rows(path, identity) == [(as_text(NOW), 2, 42.5, "lumen")]
    events = [row[0] for row in _rows(path, "SELECT event_type FROM events ORDER BY id")]
    assert events == ["wake", "time_recovery", "wake"]


def test_a_store_that_was_never_migrated_is_refused(tmp_path):
    """Migrations are the deploy's; the process neither makes tables nor files."""
    with pytest.raises(Diverged, match="missing") as missing:
        Store(tmp_path / "anima.db", "lumen").start()
    assert "deploy" in missing.value.hint
    assert list(tmp_path.iterdir()) == []

    sqlite3.connect(tmp_path / "anima.db").executescript("CREATE TABLE t (x)")
    with pytest.raises(Diverged, match=r"anima: migration 0001\.create-identity-and-events is"):
        Store(tmp_path / "anima.db", "lumen").start()


@pytest.mark.parametrize(
    ("sql", "said", "hint"),
    [
        (f"DELETE FROM _yoyo_migration WHERE migration_id = '{NEWEST}'",
         f"migration {NEWEST} is missing", "apply 1"),
        ("DELETE FROM _yoyo_migration", "migration 0001.create-identity-and-events is missing",
         "apply "),
        ("INSERT INTO _yoyo_migration VALUES ('x', '9999.add-wings', '')",
         "9999.add-wings is not known to this release", "roll it back"),
        ("DROP TABLE _yoyo_migration", "migration 0001.create-identity-and-events is missing",
         "apply "),
    ],
)  # fmt: skip
def test_a_schema_that_it_was_not_built_for_is_refused(path, sql, said, hint):
    """Older or newer: the migration is named, and nothing is written."""
    db = sqlite3.connect(path)
    db.executescript(sql)
    db.close()
    before = path.read_bytes()

    with pytest.raises(Diverged, match=said) as refused:
        Store(path, "lumen").start()
    assert hint in refused.value.hint
    assert path.read_bytes() == before


DENVER = ZoneInfo("America/Denver")


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-02-20T10:00:00", "2026-02-20T17:00:00+00:00"),
        ("2026-07-20T10:00:00.25", "2026-07-20T16:00:00.250000+00:00"),
        ("2026-11-01T01:30:00", "2026-11-01T07:30:00+00:00"),  # came twice: the first
        ("2026-03-08T02:30:00", "2026-03-08T09:30:00+00:00"),  # never came: as if it had
        ("2026-02-20T10:00:00Z", "2026-02-20T10:00:00+00:00"),
        ("2026-02-20T10:00:00+01:00", "2026-02-20T09:00:00+00:00"),
    ],
)
def test_an_old_timestamp_is_an_instant(text, utc):
    """The zone counts only where there is no offset."""
    assert as_instant(text, DENVER).isoformat() == utc


def test_an_adopted_creature_is_known_by_its_name(path, drawing_state, build):
    """Its id is of its own making; a last step that we cannot read stops no check-in."""
    db = sqlite3.connect(path)
    db.executescript(
        "INSERT INTO identity (creature_id, born_at, total_awakenings, name)"
        " VALUES ('49e14444-b59e', '2025-12-01T09:30:00Z', 2052, 'Lumen'),"
        " ('other', '2025-12-01T09:30:00Z', 1, 'Other');"
        "INSERT INTO drawing_history (timestamp, E, I, S, V, C, marks, era) VALUES"
        " ('2025-12-01T09:30:00Z', 0.5, 0.5, 0.5, 0, 0.5, 10, 'cubist')"
    )
    db.close()
    store = Store(path, "lumen")
    store.start()
    store.wake(NOW)
    store.heartbeat(NOW, 1.5)
    store.enqueue_checkin(BOOT, NOW, build)
    (waiting,) = store.oldest_checkins(1)
    store.close(5)

    who = _rows(path, "SELECT creature_id, total_awakenings, total_alive_seconds FROM identity")
    assert who == [("49e14444-b59e", 2053, 1.5), ("other", 1, 0.0)]
    assert json.loads(waiting.body)["identity"] == {"awakenings": 2053, "alive_seconds": 1.5}
    assert "drawing_eisv" not in json.loads(waiting.body)["sensor_data"]


def test_a_missing_column_is_named(path):
    """Drift is found at start, not at the first insert."""
    db = sqlite3.connect(path)
    db.execute("ALTER TABLE drawing_history DROP COLUMN intentionality")
    db.close()

    with pytest.raises(Diverged, match=r"drawing_history\.intentionality is missing"):
        Store(path, "lumen").start()


def test_a_damaged_file_is_refused_and_left_as_it_is(path, store, drawing_state):
    """Nothing is repaired in silence."""
    for marks in range(200):
        store.record_drawing_state(drawing_state(marks))
    store.close(5)
    content = bytearray(path.read_bytes())
    content[4096:] = os.urandom(len(content) - 4096)
    path.write_bytes(content)

    with pytest.raises(Diverged) as damaged:
        Store(path, "lumen").start()
    assert "restore" in damaged.value.hint
    assert path.read_bytes() == content


def test_every_run_has_a_name_of_its_own():
    """The kernel's boot_id is shared by containers and outlives the process."""
    assert new_boot_id() != new_boot_id()
    assert len(new_boot_id()) == 32


def test_a_rejected_check_in_that_is_no_json_any_more_does_not_stay_for_ever(store, path, build):
    """A bit flipped in it, governance refused it, and no table would take it: dropped, counted."""
    seq = store.enqueue_checkin(BOOT, NOW, build)
    db = sqlite3.connect(path)
    db.execute("PRAGMA ignore_check_constraints = ON")
    db.execute("UPDATE outbox SET body = '{x' || substr(body, 3)")
    db.commit()
    db.close()
    assert store.oldest_checkins(1)[0].body.startswith("{x")
    store.reject(seq, NOW, "HTTP 422: not JSON")

    assert store.oldest_checkins(1) == []
    assert store.dropped.counts == {"rejected": 1}


@pytest.mark.parametrize("spoiled", ["{x", "[]", '{"written": 3}'])
def test_a_last_word_that_cannot_be_read_any_more_is_taken_for_a_pause(path, spoiled):
    """It may have been one; governance lifts it with its next answer."""
    store = Store(path, "lumen")
    store.start()
    store.wake(NOW)
    db = sqlite3.connect(path)
    db.execute("PRAGMA ignore_check_constraints = ON")
    db.execute("UPDATE identity SET metadata = ?", (spoiled,))
    db.commit()
    db.close()

    assert store.wake(NOW) == "pause"
    store.heartbeat(NOW, 1).result(5)
    store.remember_action("proceed")
    assert store.wake(NOW) == "proceed"
    assert store.close(5)
