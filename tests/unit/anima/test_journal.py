"""The second copy: what was committed since the last backup survives bits that flip in the file."""

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from apps.anima import altered, journal, noted, wal
from apps.anima.backups import Backups
from apps.anima.checkin import compose, new_boot_id
from apps.anima.checkup import Checkup
from apps.anima.mend import mend
from apps.anima.noted import Noted
from apps.anima.store import Store
from tests.unit.anima.conftest import NOW
from tests.unit.anima.damage import change


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
    overwrite(path, content)


def overwrite(path, content):
    """The card changes; no file system knows."""
    then = path.stat()
    path.write_bytes(content)
    os.utime(path, ns=(then.st_atime_ns, then.st_mtime_ns))


def test_what_was_not_committed_is_not_there(path, drawing_state):
    """A work that fails alone."""
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

    assert {table for table, _ in told(path)} == {"drawing_history"}


def test_it_is_bounded_and_a_torn_line_costs_itself_only(path, drawing_state, monkeypatch):
    """Old files go, and what is behind a flipped bit is still read."""
    monkeypatch.setattr(journal, "FILE_BYTES", 8_192)
    monkeypatch.setattr(journal, "KEPT_FILES", 3)
    store = Store(path, "lumen")
    store.start()
    for marks in range(200):
        store.record_drawing_state(drawing_state(marks)).result(5)
    assert store.close(5)
    files = noted.kept(path)

    assert len(files) == 3
    there = len(told(path))
    content = bytearray(files[1].read_bytes())
    content[content.index(b"building", len(content) // 2)] ^= 1
    files[1].write_bytes(content)
    assert len(told(path)) == there - 1
    assert not Noted(path).is_whole


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

    assert told(path) == []


def told(path):
    """What the journal has, by table and key."""
    return [(row.table, row.key) for row in Noted(path).rows()]


def killed(path, torn=b""):
    """As a kill leaves it: no seal, perhaps a piece of a line, and the log beside the database."""
    (file,) = noted.kept(path)
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:-1]) + torn)
    wal.beside(path).touch()


def drew(path, drawing_state, *numbers):
    """A life of some rows, ended by a stop."""
    store = Store(path, "lumen")
    store.start()
    for marks in numbers:
        store.record_drawing_state(drawing_state(marks)).result(5)
    assert store.close(5)


def test_a_restart_goes_on_with_it(path, drawing_state):
    """After a stop, and after a kill, even one in the middle of a line."""
    drew(path, drawing_state, 1)
    drew(path, drawing_state, 2)
    killed(path, b'00000000 [["drawing_hi')
    drew(path, drawing_state, 3)

    assert told(path) == [("drawing_history", 1), ("drawing_history", 2), ("drawing_history", 3)]
    assert Noted(path).is_whole


@pytest.mark.parametrize("how", ["edited", "power cut", "edited after a kill", "another file"])
def test_what_may_be_out_of_date_is_forgotten(path, drawing_state, monkeypatch, how):
    """Somebody wrote while nobody noted it, or the power took the end that was not synced."""
    drew(path, drawing_state, 1, 2)
    if how in {"power cut", "edited after a kill"}:
        killed(path)
    if how.startswith("edited"):
        change(path, "UPDATE drawing_history SET marks = 7")
    elif how == "another file":
        other = path.with_name("other")
        shutil.copy2(path, other)
        other.replace(path)
    else:
        monkeypatch.setattr(journal, "kernel_boot", lambda: "another")
        monkeypatch.setattr(noted, "kernel_boot", lambda: "another")
    drew(path, drawing_state)

    assert told(path) == []


def test_what_may_be_out_of_date_changes_no_row_that_is_there(path, drawing_state):
    """It brings back only what is gone."""
    drew(path, drawing_state, 1, 2)
    with closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE drawing_history SET marks = 7 WHERE id = 1")
        db.execute("DELETE FROM drawing_history WHERE id = 2")
        db.commit()
    told = mend(path.with_name("anima.db.mended"), path, {"found": "a test"})
    now = rows(path.with_name("anima.db.mended"), "drawing_history")

    assert told["from_journal"] == {"drawing_history": 1}
    assert [row[0] for row in now] == [1, 2]
    assert 7 in now[0]


def test_a_value_that_changed_by_itself_is_found_and_put_right(lived):
    """SQLite calls the file whole; the journal knows what was committed."""
    before = rows(lived, "drawing_history")
    content = lived.read_bytes()
    assert content.count(b"gestural") > 100
    overwrite(lived, content.replace(b"gestural", b"geometri", 3))
    checkup = Checkup(lived)
    checkup._look()
    told = mend(lived.with_name("anima.db.mended"), lived, {"found": checkup.found})

    assert "3 rows are not as committed: drawing_history" in checkup.found
    assert told["from_journal"] == {"drawing_history": 3}
    assert rows(lived.with_name("anima.db.mended"), "drawing_history") == before


def test_a_journal_of_the_file_before_says_nothing_of_this_one(lived):
    """A mend has put another in its place."""
    other = lived.with_name("other")
    shutil.copy2(lived, other)
    change(other, "UPDATE drawing_history SET era = 'geometric' WHERE id = 7")
    other.replace(lived)
    checkup = Checkup(lived)
    checkup._look()

    assert checkup.found is None


def test_a_row_that_is_being_written_is_not_taken_for_damage(lived, drawing_state, monkeypatch):
    """The creature lives on while the rows are looked at."""
    monkeypatch.setattr(altered, "SETTLE_SECONDS", 0.2)
    store = Store(lived, "lumen")
    store.start()
    checkup = Checkup(lived)
    checkup.start()
    for attempt in range(200):
        store.note_attempt(3 + attempt % 10, f"no answer {attempt}")
        store.record_drawing_state(drawing_state(attempt)).result(5)
    again = Checkup(lived)
    again._look()
    assert checkup.close(5)
    assert store.close(5)

    assert checkup.found is again.found is None


@pytest.mark.parametrize("is_gone", [False, True])
def test_rows_with_a_name_for_a_key_keep_to_themselves(path, is_gone):
    """SQLite numbers them anew when they are salvaged."""
    store = Store(path, "lumen")
    store.start()
    for name in "abcd":
        store.submit("test", prefers(name), "prompt").result(5)
    assert store.close(5)
    Backups(path).make(NOW)
    noted.forget_all(path)
    store = Store(path, "lumen")
    store.start()
    store.submit("test", prefers("e"), "prompt").result(5)
    if is_gone:
        gone = "DELETE FROM preferences WHERE name = 'b'"
        store.submit("test", lambda db: db.execute(gone).rowcount, "prompt").result(5)
    assert store.close(5)
    before = rows(path, "preferences")
    mend(path.with_name("anima.db.mended"), path, {"found": "a test"})

    assert len(before) == 5 - is_gone
    assert sorted(rows(path.with_name("anima.db.mended"), "preferences")) == sorted(before)


def prefers(name):
    """Work that adds a preference, whatever else the table asks for."""

    def work(db):
        columns = db.execute("PRAGMA table_info(preferences)").fetchall()
        values = [name if c["name"] == "name" else AWKWARD[c["type"]] for c in columns]
        marks = ", ".join("?" * len(values))
        db.execute(f"INSERT INTO preferences VALUES ({marks})", values)

    return work


AWKWARD = {"TEXT": "2026-11-20T12:00:00.000000+00:00", "REAL": 0.5, "INTEGER": 1}


def test_a_journal_that_cannot_be_read_stops_nobody(path, drawing_state):
    """Neither a start, nor a mend, nor the daily look: then there is none."""
    drew(path, drawing_state, 1)
    noted.forget_all(path)
    path.with_name("anima.journal.000001").mkdir()
    drew(path, drawing_state, 2)
    checkup = Checkup(path)
    checkup._look()
    facts = mend(path.with_name("anima.db.mended"), path, {"found": "a test"})

    assert checkup.found is None
    assert facts["from_journal"] == {}
    assert len(rows(path.with_name("anima.db.mended"), "drawing_history")) == 2


def test_a_flipped_head_costs_its_file_only(lived):
    """Nothing is known of the rows in it, and so nothing is said."""
    (file,) = noted.kept(lived)
    content = bytearray(file.read_bytes())
    content[20] ^= 1
    file.write_bytes(content)
    checkup = Checkup(lived)
    checkup._look()

    assert checkup.found is None
    assert told(lived) == []
    assert not Noted(lived).is_whole


def test_a_journal_of_another_release_is_begun_anew(path, drawing_state):
    """Its head tells otherwise."""
    drew(path, drawing_state, 1)
    (file,) = noted.kept(path)
    head, rest = file.read_bytes().split(b"\n", 1)
    told_ = noted.read(head + b"\n")
    del told_["inode"]
    file.write_bytes(noted.as_line(told_) + rest)
    assert not Noted(path).is_whole
    drew(path, drawing_state, 2)

    assert told(path) == [("drawing_history", 2)]


READ = """
import re, sys
from pathlib import Path
from apps.anima.noted import Noted
peak = lambda: int(re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1])
before = peak()
count = sum(1 for _ in Noted(Path(sys.argv[1])).rows())
print(count, peak() - before)
"""
"""Not ru_maxrss: that has the peak of whoever started it."""


def test_a_full_journal_is_read_in_little_memory(tmp_path):
    """On a board where a mend may take 96 MB in all."""
    head = noted.as_line({"boot": "", "inode": 1, "columns": {"state_history": ["id", "feeling"]}})
    number = 0
    for file in range(16):
        lines = [head]
        while sum(map(len, lines[:1])) + 200 * (len(lines) - 1) < 2**20:
            number += 1
            lines.append(noted.as_line([["state_history", number, [number, "x" * 150]]]))
        (tmp_path / f"anima.journal.{file + 1:06}").write_bytes(b"".join(lines))
    asked = [sys.executable, "-c", READ, str(tmp_path / "anima.db")]
    done = subprocess.run(asked, capture_output=True, text=True, check=True)
    count, kib = map(int, done.stdout.split())

    assert count == number > 80_000
    assert kib < 8 * 1024
