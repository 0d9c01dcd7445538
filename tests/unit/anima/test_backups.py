"""Copies on the card: whole once a day, parts every hour, checked, few, and in nobody's way."""

import os
import sqlite3
import threading
import time
from datetime import UTC, datetime

import pytest

from apps.anima import backups as backups_file
from apps.anima.backups import Backups, Counted, kept, verify
from apps.anima.store import Store
from schemas.anima.tables import Event, EventType

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.fixture
def open_store(path):
    """A store that stays open while it is copied."""
    store = Store(path, "lumen")
    store.start()
    store.wake(NOW)
    yield store
    assert store.close(5)


def _rows(path, table):
    db = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
    count = db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    db.close()
    return count


def _draw(store, drawing_state, rows):
    for marks in range(rows):
        last = store.record_drawing_state(drawing_state(marks))
    last.result(10)


def test_the_first_is_whole_and_the_next_holds_what_is_new(path, open_store, drawing_state):
    """Of the growing tables only that; of the others everything."""
    _draw(open_store, drawing_state, 300)
    first = Backups(path).make(NOW)
    _draw(open_store, drawing_state, 7)
    second = Backups(path).make(NOW)

    assert (first.base, second.base) == (None, first.number)
    assert [_rows(each.path, "drawing_history") for each in (first, second)] == [300, 7]
    assert [_rows(each.path, "identity") for each in (first, second)] == [1, 1]
    assert not list(path.parent.glob("backups/*.part*"))


def test_it_is_made_beside_a_writer_that_never_rests(path, open_store, drawing_state):
    """The paged form of an online backup would begin again for ever; and no commit waits long."""
    _draw(open_store, drawing_state, 900)
    done, waits = threading.Event(), []

    def write():
        while not done.is_set():
            began = time.monotonic()
            open_store.record_event(_event()).result(5)
            waits.append(time.monotonic() - began)

    writer = threading.Thread(target=write)
    writer.start()
    made = [Backups(path).make(NOW) for _ in range(3)]
    done.set()
    writer.join()

    assert len(kept(path.parent)) == 3
    assert [each.base for each in made] == [None, 1, 1]
    assert len(waits) > 10
    assert sorted(waits)[len(waits) * 9 // 10] < 0.5


def _event():
    return Event(timestamp=NOW, event_type=EventType.NAME_CHANGE)


def test_a_copy_that_is_not_as_it_was_made_is_found(path, open_store, drawing_state):
    """A page that was not written, or a row too few."""
    _draw(open_store, drawing_state, 300)
    made = Backups(path).make(NOW)
    verify(made.path, {"drawing_history": Counted(300, 300)})
    with pytest.raises(sqlite3.DatabaseError, match="300 rows of drawing_history, not 301"):
        verify(made.path, {"drawing_history": Counted(301, 301)})
    content = bytearray(made.path.read_bytes())
    content[-4096:] = bytes(4096)
    made.path.write_bytes(content)

    with pytest.raises(sqlite3.DatabaseError):
        verify(made.path)


class _Cut:
    """A connection whose copies lack some rows, though every page of them is good."""

    def __init__(self, db, lost):
        self._db, self._delete = db, f"DELETE FROM {lost}"

    def __getattr__(self, name):
        return getattr(self._db, name)

    def execute(self, sql, *told):
        done = self._db.execute(sql, *told)
        if sql.startswith("VACUUM"):
            copy = sqlite3.connect(told[0][0])
            copy.execute(self._delete)
            copy.commit()
            copy.close()
        return done


@pytest.mark.parametrize(
    "lost", ["drawing_history WHERE id > 3", "events", "outbox WHERE id = 2", "identity"]
)
def test_a_copy_that_lacks_rows_is_refused_and_counted(
    path, open_store, drawing_state, monkeypatch, lost
):
    """The newest of a table, all of it, one in between: the database itself says what must be."""
    _draw(open_store, drawing_state, 10)
    open_store.record_event(_event()).result(5)
    _wait_for_the_mac(path, 3)
    whole = backups_file.readonly
    monkeypatch.setattr(backups_file, "readonly", lambda file: _Cut(whole(file), lost))
    backups = Backups(path)
    backups.look(NOW)
    backups._thread.join(10)

    assert backups.skipped.counts == {"failed": 1}
    assert backups.found is None
    assert list((path.parent / "backups").iterdir()) == []


def _wait_for_the_mac(path, check_ins):
    db = sqlite3.connect(path)
    db.executemany(
        "INSERT INTO outbox (boot_id, recorded_at, body) VALUES ('boot-000', ?, ?)",
        [("2026-11-20T12:00:00+00:00", '{"said": "%s"}' % ("x" * 900))] * check_ins,
    )
    db.commit()
    db.close()


def test_a_part_is_small_however_long_the_outbox(path):
    """A week without the Mac is copied once a day, not once an hour."""
    _wait_for_the_mac(path, 10_080)
    first = Backups(path).make(NOW)
    _wait_for_the_mac(path, 60)
    second = Backups(path).make(NOW)

    assert first.path.stat().st_size > 10_000_000
    assert second.base == first.number
    assert second.path.stat().st_size < 1_000_000
    assert [_rows(second.path, table) for table in ("outbox", "outbox_ids")] == [60, 10_140]


def test_so_many_are_kept_and_a_part_never_outlives_its_whole(path, open_store, drawing_state):
    """Three parts of the newest whole one, and the whole one before it."""
    _draw(open_store, drawing_state, 10)
    for _ in range(6):
        Backups(path).make(NOW)
    assert [each.base for each in kept(path.parent)] == [1, 1, 1, None]
    os.utime(kept(path.parent)[-1].path, (1, 1))
    for _ in range(2):
        Backups(path).make(NOW)

    assert [each.base for each in kept(path.parent)] == [7, None, None]


def test_together_they_keep_to_the_limit(path, open_store, drawing_state, monkeypatch):
    """The newest whole one stays whatever its size."""
    monkeypatch.setattr(backups_file, "LIMIT_BYTES", 1)
    _draw(open_store, drawing_state, 10)
    Backups(path).make(NOW)
    Backups(path).make(NOW)

    assert [each.base for each in kept(path.parent)] == [None]


def test_without_room_or_budget_none_is_made_and_that_is_counted(path, monkeypatch, capsys):
    """Said once for each cause."""
    spent = Backups(path, may_write=lambda: False)
    assert spent.make(NOW) is spent.make(NOW) is None
    monkeypatch.setattr(backups_file, "ROOM_BYTES", 2**62)
    full = Backups(path)
    assert full.make(NOW) is None

    assert (spent.skipped.counts, full.skipped.counts) == ({"budget": 2}, {"disk": 1})
    assert capsys.readouterr().out.count("backup not made") == 2


def test_one_is_due_every_hour_whatever_the_clock_says(path, open_store):
    """Not at once after a restart; and not twice within the hour of one run."""
    first = Backups(path)
    first.look(NOW)
    first._thread.join(5)
    first.look(NOW)
    again = Backups(path)
    again.look(NOW)
    assert len(kept(path.parent)) == 1
    assert again.age_seconds < 60
    os.utime(kept(path.parent)[0].path, (1, 1))
    again.look(NOW)
    again._thread.join(5)

    assert len(kept(path.parent)) == 2


def test_damage_that_it_meets_is_told(path, open_store, drawing_state):
    """The process ends for it, and the next start mends it; no bad copy is left."""
    _draw(open_store, drawing_state, 900)
    home = path.parent / "home"
    home.mkdir()
    copy = home / "anima.db"
    db = sqlite3.connect(path)
    db.execute("VACUUM INTO ?", (str(copy),))
    ask = "SELECT rootpage FROM sqlite_schema WHERE name = 'drawing_history'"
    (root,) = db.execute(ask).fetchone()
    db.close()
    content = bytearray(copy.read_bytes())
    content[(root - 1) * 4096 : root * 4096] = os.urandom(4096)
    copy.write_bytes(content)
    backups = Backups(home / "anima.db")
    backups.look(NOW)
    backups._thread.join(10)

    assert backups.found
    assert list((home / "backups").iterdir()) == []


def test_a_stop_breaks_it_off(path, open_store, drawing_state, monkeypatch):
    """It would hold the log open."""
    monkeypatch.setattr(backups_file, "STEPS", 10)
    monkeypatch.setattr(backups_file, "REST_SECONDS", 0.2)
    _draw(open_store, drawing_state, 300)
    backups = Backups(path)
    backups.look(NOW)

    assert backups.close(2)
    assert kept(path.parent) == []
