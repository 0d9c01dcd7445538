"""The writer on a bad day: what it keeps, what it answers, what it counts."""

import sqlite3
import threading
import time
from datetime import UTC, datetime

import pytest

from apps.anima import writer
from apps.anima.store import Store
from apps.anima.transaction import commit
from schemas.anima.tables import AnimaState, Event, EventType

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _hurry(monkeypatch):
    """A lock is waited for 50 ms, and the disk is left alone for as long."""
    monkeypatch.setattr("apps.sqlite.BUSY_TIMEOUT_MS", 50)
    monkeypatch.setattr(writer, "RETRY_SECONDS", 0.05)
    monkeypatch.setattr(writer, "IDLE_SECONDS", 0.05)


@pytest.fixture
def lock(store, path):
    """Somebody else's write transaction; open until ``ROLLBACK``."""
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    db.execute("BEGIN IMMEDIATE")
    yield db
    db.close()


def test_a_lock_keeps_records_and_answers_asks(store, drawing_state, lock, capsys):
    """They are written when it is gone, in order; nothing is lost, and it is said once."""
    kept = [store.record_drawing_state(drawing_state(marks)) for marks in (1, 2)]
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        store.acknowledge(1)
    assert store.oldest_checkins(1) == []
    kept.append(store.record_drawing_state(drawing_state(3)))
    with pytest.raises(TimeoutError):
        kept[0].result(0.3)

    lock.execute("ROLLBACK")
    for promise in kept:
        promise.result(5)
    assert [row.marks for row in store.get_recent_drawing_history(5)] == [1, 2, 3]
    assert store.dropped.total == 0
    said = capsys.readouterr().out
    assert said.count("records wait ") == said.count("records are written again") == 1
    assert "database is locked" in said


def test_only_so_many_records_are_kept(store, drawing_state, lock, monkeypatch):
    """Then the oldest go, and every one is counted."""
    monkeypatch.setattr(writer, "QUEUE_LIMIT", 3)
    promises = []
    for marks in range(1, 6):
        promises.append(store.record_drawing_state(drawing_state(marks)))
        store.oldest_checkins(1)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        promises[1].result(5)
    lock.execute("ROLLBACK")
    promises[-1].result(5)

    assert [row.marks for row in store.get_recent_drawing_history(9)] == [3, 4, 5]
    assert store.dropped.counts == {"drawing_history": 2}


def test_what_cannot_be_written_before_the_end_is_counted(store, drawing_state, lock):
    """A stop does not wait for a lock."""
    store.record_drawing_state(drawing_state(1))

    assert store.close(5)
    assert store.dropped.counts == {"drawing_history": 1}


@pytest.mark.parametrize(
    ("code", "text"),
    [(sqlite3.SQLITE_IOERR, "disk I/O error"), (sqlite3.SQLITE_FULL, "disk is full")],
)
def test_an_error_that_ends_the_transaction_keeps_its_name(store, drawing_state, code, text):
    """SQLite rolls back by itself: no savepoint is left, and that is not the news."""
    error = sqlite3.OperationalError(text)
    error.sqlite_errorcode = code

    def break_off(db):
        db.execute("ROLLBACK")
        raise error

    gate = threading.Event()
    store._writer.submit("test", lambda _: gate.wait(5))
    kept = store.record_drawing_state(drawing_state(1))
    broken = store._writer.submit("test", break_off)
    gate.set()

    with pytest.raises(sqlite3.OperationalError, match=text):
        broken.result(5)
    kept.result(5)
    assert store.dropped.total == 0


def test_a_failed_question_is_no_dropped_record(store):
    """Governance is told of what was lost, not of what was asked again."""

    def fail(_):
        raise sqlite3.IntegrityError("no")

    for role in ("ask", "read"):
        with pytest.raises(sqlite3.IntegrityError):
            store._writer.submit("test", fail, role).result(5)
    assert store.dropped.total == 0


@pytest.fixture
def patient(path):
    """A store whose plain records may wait for an hour."""
    opened = Store(path, "lumen", linger=3600)
    opened.start()
    yield opened
    assert opened.close(5)


def test_plain_records_linger_until_an_ask_takes_them_along(patient, path, drawing_state):
    """One commit for all of them; what is acknowledged is on disk with what came before it."""
    waiting = [patient.record_drawing_state(drawing_state(marks)) for marks in (1, 2, 3)]
    with pytest.raises(TimeoutError):
        waiting[0].result(0.2)
    assert _count(path) == 0
    patient.remember_action("pause")

    for promise in waiting:
        promise.result(0)
    assert _count(path) == 3


def test_plain_records_are_committed_within_the_seconds_that_are_stated(path, drawing_state):
    """Nobody asks anything, and no more than these seconds are at stake."""
    store = Store(path, "lumen", linger=0.3)
    store.start()
    began = time.monotonic()
    store.record_drawing_state(drawing_state(1)).result(5)

    assert 0.3 <= time.monotonic() - began < 2
    assert store.close(5)


def test_an_event_does_not_linger(patient, path, drawing_state):
    """It is prompt: written at the next turn, with what was there before it."""
    patient.record_drawing_state(drawing_state(1))
    patient.record_event(Event(timestamp=NOW, event_type=EventType.WAKE)).result(2)

    assert _count(path) == 1


def test_who_reads_the_history_sees_what_lingers(patient, drawing_state):
    """A row that was recorded is there, written or not."""
    patient.record_drawing_state(drawing_state(7))

    assert [row.marks for row in patient.get_recent_drawing_history(5)] == [7]


def test_many_records_do_not_linger(patient, path, drawing_state):
    """A hundred are a commit of their own."""
    promises = [
        patient.record_drawing_state(drawing_state(marks)) for marks in range(writer.LINGER_ROWS)
    ]
    promises[-1].result(5)

    assert _count(path) == writer.LINGER_ROWS


def test_a_stop_writes_what_lingers(path, drawing_state):
    """SIGTERM is no power cut."""
    store = Store(path, "lumen", linger=3600)
    store.start()
    store.record_drawing_state(drawing_state(1))

    assert store.close(5)
    assert _count(path) == 1


def test_feelings_are_thinned_first_and_events_last(store, anima, drawing_state, lock, monkeypatch):
    """When the disk refuses and memory is full, what tells least goes, and is counted."""
    monkeypatch.setattr(writer, "QUEUE_LIMIT", 2)
    store.record_event(Event(timestamp=NOW, event_type=EventType.WAKE))
    store.record_drawing_state(drawing_state(1))
    store.record_state(AnimaState.model_validate({"timestamp": NOW, **anima.model_dump()}))
    store.oldest_checkins(1)
    assert store.dropped.counts == {"state_history": 1}
    last = store.record_drawing_state(drawing_state(2))
    store.oldest_checkins(1)
    assert store.dropped.counts == {"state_history": 1, "drawing_history": 1}
    lock.execute("ROLLBACK")
    last.result(5)

    assert [row.marks for row in store.get_recent_drawing_history(9)] == [2]


def test_damage_is_told_from_trouble(store):
    """Only SQLite's own words about the file count; a disk that fails, fills or locks is none."""
    for code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY,
                 sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):  # fmt: skip
        _ask_in_vain(store, code)
    assert store.damage is None
    _ask_in_vain(store, sqlite3.SQLITE_CORRUPT)

    assert store.damage == "told"


@pytest.mark.parametrize("code", [sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM])
def test_a_disk_that_became_read_only_undoes_all_and_loses_none(path, code):
    """Not one work alone: each of them can be done later."""
    error = sqlite3.OperationalError("attempt to write a readonly database")
    error.sqlite_errorcode = code
    db = sqlite3.connect(path, isolation_level=None)

    def refuse(_):
        raise error

    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        commit(db, [lambda _: 1, refuse])
    assert not db.in_transaction
    db.close()


def _ask_in_vain(store, code):
    error = sqlite3.DatabaseError("told")
    error.sqlite_errorcode = code

    def fail(_):
        raise error

    with pytest.raises(sqlite3.DatabaseError, match="told"):
        store._writer.submit("test", fail).result(5)


def _count(path):
    db = sqlite3.connect(path)
    count = db.execute("SELECT count(*) FROM drawing_history").fetchone()[0]
    db.close()
    return count
