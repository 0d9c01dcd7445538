"""A log left behind by a kill, a cut or a flipped bit: what is damage, and what comes back."""

import os
import shutil
import sqlite3
import struct
from datetime import UTC, datetime

import pytest

from apps.anima.recovery import recover, trouble
from apps.anima.store import Store
from apps.anima.wal import hidden_commits

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def _count(path, table):
    db = sqlite3.connect(path)
    ((count,),) = db.execute(f"SELECT count(*) FROM {table}").fetchall()
    db.close()
    return count


@pytest.fixture
def killed(path, drawing_state, tmp_path):
    """The home of a process that was killed: 60 commits in the log, none in the file."""
    store = Store(path, "lumen")
    store.start()
    store.wake(NOW)
    for marks in range(60):
        store.record_drawing_state(drawing_state(marks)).result(5)
    home = tmp_path / "home"
    home.mkdir()
    for name in ("anima.db", "anima.db-wal"):
        shutil.copy(path.with_name(name), home)
    assert store.close(5)
    return home / "anima.db"


def test_commits_behind_a_damaged_page_of_the_log_come_back(killed):
    """SQLite would stop before it and say nothing; the pages behind it are all there."""
    wal = killed.with_name("anima.db-wal")
    content = bytearray(wal.read_bytes())
    content[len(content) // 3] ^= 0x10
    wal.write_bytes(content)
    assert hidden_commits(killed) > 20
    facts = recover(killed, trouble(killed))

    assert "behind a damaged page of the log" in facts["found"]
    assert not wal.exists()  # its pages are not those of the file that lies there now
    assert _count(killed, "drawing_history") == 60
    assert trouble(killed) is None


def test_a_log_without_its_header_comes_back(killed):
    """SQLite would take nothing of it."""
    wal = killed.with_name("anima.db-wal")
    content = bytearray(wal.read_bytes())
    content[20] ^= 0x01
    wal.write_bytes(content)
    recover(killed, trouble(killed))

    assert _count(killed, "drawing_history") == 60


def test_a_commit_that_was_not_finished_is_no_damage(killed):
    """The log ends within one: a kill, or the power."""
    wal = killed.with_name("anima.db-wal")
    for cut in (1, 4096, 5000):
        os.truncate(wal, wal.stat().st_size - cut)
        assert trouble(killed) is None


def test_a_log_that_is_in_the_file_already_is_no_damage(killed):
    """The power went while its next round began: the header is torn, and nothing is lost."""
    db = sqlite3.connect(killed)
    db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    kept_ = killed.with_name("anima.db-wal").read_bytes()
    db.close()
    torn = struct.pack(">I", 7) + kept_[4:]
    killed.with_name("anima.db-wal").write_bytes(torn)

    assert trouble(killed) is None
