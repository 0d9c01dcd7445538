"""The writer on a bad day: what it keeps, what it answers, what it counts."""

import sqlite3
import threading

import pytest

from apps.anima import writer


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
