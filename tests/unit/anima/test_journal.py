"""The second copy: what was committed since the last backup survives bits that flip in the file."""

import sqlite3
from contextlib import closing

import pytest

from apps.anima import journal
from apps.anima.checkin import compose, new_boot_id
from apps.anima.mend import mend
from apps.anima.store import Store
from tests.unit.anima.conftest import NOW


def rows(path, table):
    """What a table holds."""
    with closing(sqlite3.connect(path)) as db:
        return db.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall()


@pytest.fixture
def lived(path, store, anima, drawing_state):
    """Rows, check-ins, some acknowledged, and no backup."""
    store.wake(NOW)
    boot = new_boot_id()
    build = compose("lumen", boot, NOW, anima=anima, readings=[], dropped=0)
    for marks in range(300):
        store.record_drawing_state(drawing_state(marks)).result(5)
    for _ in range(20):
        store.enqueue_checkin(boot, NOW, build)
    store.acknowledge(1)
    store.acknowledge(2)
    store.note_attempt(3, "no answer")
    assert store.close(5)
    return path


@pytest.mark.parametrize("page", [None, "outbox", "drawing_history", 1])
def test_a_file_that_tells_nothing_is_made_again_from_the_journal(lived, page):
    """Every row of it, no check-in that was acknowledged, and the attempts that were noted."""
    tables = ("drawing_history", "outbox", "identity")
    before = {table: rows(lived, table) for table in tables}
    spoil(lived, page)
    told = mend(lived.with_name("anima.db.mended"), lived, {"found": "a test"})

    assert {table: rows(lived.with_name("anima.db.mended"), table) for table in tables} == before
    assert sum(told["from_journal"].values()) > 0


def spoil(path, page):
    """All of the file, or all pages of one table's root."""
    content = bytearray(path.read_bytes())
    if page is None:
        content[:] = bytes(len(content))
    else:
        with closing(sqlite3.connect(path)) as db:
            ask = "SELECT rootpage FROM sqlite_schema WHERE name = ?"
            root = page if page == 1 else db.execute(ask, (page,)).fetchone()[0]
        content[(root - 1) * 4096 : root * 4096] = bytes(4096)
    path.write_bytes(content)


def test_what_was_not_committed_is_not_there(path, drawing_state):
    """A work that fails, and a transaction that the disk fails."""
    store = Store(path, "lumen")
    store.start()

    def fails(db):
        db.execute(
            "INSERT INTO events (timestamp, event_type, data)"
            " VALUES ('2026-11-20T12:00:00+00:00', 'wake', '{}')"
        )
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        store.submit("test", fails).result(5)
    store.record_drawing_state(drawing_state(1)).result(5)
    assert store.close(5)

    assert {table for table, _ in journal._last(path)} == {"drawing_history"}


def test_it_is_bounded_and_a_torn_line_costs_itself_only(path, drawing_state, monkeypatch):
    """Old files go, and what is behind a flipped bit is still read."""
    monkeypatch.setattr(journal, "FILE_BYTES", 8_192)
    monkeypatch.setattr(journal, "KEPT_FILES", 3)
    store = Store(path, "lumen")
    store.start()
    for marks in range(200):
        store.record_drawing_state(drawing_state(marks)).result(5)
    assert store.close(5)
    files = journal.kept(path)

    assert len(files) == 3
    there = len(journal._last(path))
    content = bytearray(files[1].read_bytes())
    content[len(content) // 2] ^= 1
    files[1].write_bytes(content)
    assert len(journal._last(path)) == there - 1


def test_rows_of_another_schema_are_forgotten(path, drawing_state):
    """A migration may have changed them."""
    store = Store(path, "lumen")
    store.start()
    store.record_drawing_state(drawing_state(1)).result(5)
    assert store.close(5)
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE more (id INTEGER PRIMARY KEY)")
    again = Store(path, "lumen")
    again.start()
    assert again.close(5)

    assert journal._last(path) == {}
