"""The whole database is read in the background, without keeping anybody waiting."""

import os
import time
from pathlib import Path

import pytest

from apps.anima import checkup as checkup_file
from apps.anima.checkup import Checkup
from apps.anima.store import Store


def _until(fact):
    until = time.monotonic() + 5
    while not fact():
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.fixture
def grown(path, drawing_state):
    """A file with some thousand rows."""
    store = Store(path, "lumen")
    store.start()
    for marks in range(0, 4000, 500):
        for mark in range(marks, marks + 500):
            last = store.record_drawing_state(drawing_state(mark))
        last.result(10)
    assert store.close(5)
    return path


def damage(path):
    """Spoil a page in the middle of drawing_history."""
    content = bytearray(path.read_bytes())
    middle = len(content) // 8192 * 4096
    content[middle : middle + 4096] = os.urandom(4096)
    path.write_bytes(content)


def test_a_whole_file_is_found_whole(grown, capsys):
    """Beside an open store."""
    store = Store(grown, "lumen")
    store.start()
    checkup = Checkup(grown)
    checkup.start()
    said = ""

    def is_said():
        nonlocal said
        said += capsys.readouterr().out
        return "database is whole" in said

    _until(is_said)

    assert checkup.close(1)
    assert checkup.found is None
    assert store.close(5)


def test_damage_that_a_start_does_not_meet_is_found(grown, capsys):
    """The start stays quick; the checkup reads every page."""
    damage(grown)
    store = Store(grown, "lumen")
    store.start()
    checkup = Checkup(grown)
    checkup.start()
    _until(lambda: checkup.found)

    assert "DATABASE DAMAGED" in capsys.readouterr().out
    assert store.close(5)


def test_a_start_reads_little_of_a_large_file(grown):
    """Two dozen pages, whatever the size: counted by what SQLite asks the file for."""
    before = _bytes_read()
    store = Store(grown, "lumen")
    store.start()
    assert store.close(5)

    assert _bytes_read() - before < grown.stat().st_size / 3


def _bytes_read():
    return int(Path("/proc/self/io").read_text().split()[1])


def test_a_stop_breaks_the_checkup_off(grown, monkeypatch, capsys):
    """It would hold the WAL open."""
    monkeypatch.setattr(checkup_file, "STEPS", 1)
    monkeypatch.setattr(checkup_file, "REST_SECONDS", 0.5)
    checkup = Checkup(grown)
    checkup.start()

    assert checkup.close(2)
    assert checkup.found is None
    assert capsys.readouterr().out == ""


def test_a_file_that_cannot_be_read_is_no_damage(tmp_path, capsys):
    """Said, and the store will say the rest."""
    checkup = Checkup(tmp_path / "nothing.db")
    checkup._look()

    assert checkup.found is None
    assert "not checked" in capsys.readouterr().out
