"""A full disk, a real one where we may mount: the ballast, and life without it."""

import os
import shutil
import sqlite3
import subprocess
from contextlib import suppress
from datetime import UTC, datetime

import pytest

from apps.anima import ballast as ballast_file
from apps.anima import writer
from apps.anima.ballast import Ballast
from apps.anima.checkin import compose, new_boot_id
from apps.anima.store import Store

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.fixture
def small(monkeypatch):
    """A ballast of 512 KiB for a disk of 2 MiB."""
    monkeypatch.setattr(ballast_file, "SIZE_BYTES", 2**19)
    monkeypatch.setattr(ballast_file, "ROOM_BYTES", 2**20)
    monkeypatch.setattr(ballast_file, "LOW_BYTES", 2**14)
    monkeypatch.setattr(writer, "RETRY_SECONDS", 0.05)


@pytest.fixture
def disk(tmp_path, path, small):
    """A disk of 2 MiB with a migrated anima.db on it."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no right to mount a disk here")
    shutil.copy(path, place / "anima.db")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def _fill(disk):
    with (disk / "fill").open("wb", buffering=0) as file, suppress(OSError):
        while file.write(b"x" * 512):
            pass


def test_the_ballast_is_dropped_once_and_recording_goes_on(disk, drawing_state, anima, capsys):
    """Nothing is lost, acknowledging works; made again at the next start with room."""
    ballast = Ballast(disk)
    ballast.prepare()
    store = Store(disk / "anima.db", "lumen", full=ballast.drop)
    store.start()
    store.wake(NOW)
    boot = new_boot_id()
    build = compose("lumen", boot, NOW, anima=anima, readings=[], dropped=0)
    seq = store.enqueue_checkin(boot, NOW, build)
    assert (disk / "ballast").stat().st_blocks * 512 >= 2**19

    _fill(disk)
    for marks in range(20):
        store.record_drawing_state(drawing_state(marks)).result(5)
    store.acknowledge(seq, "pause")
    assert not (disk / "ballast").exists()
    assert store.dropped.total == 0
    assert store.wake(NOW) == "pause"
    assert capsys.readouterr().out.count("DISK FULL: ballast dropped") == 1
    assert store.close(5)

    (disk / "fill").unlink()
    ballast.prepare()
    assert (disk / "ballast").exists()


def test_without_ballast_records_wait_and_reads_answer(disk, drawing_state, anima):
    """A check-in cannot be queued, but it can be told; all is written once there is room."""
    store = Store(disk / "anima.db", "lumen")
    store.start()
    store.wake(NOW)
    _fill(disk)
    boot = new_boot_id()
    build = compose("lumen", boot, NOW, anima=anima, readings=[], dropped=0)
    with pytest.raises(sqlite3.OperationalError, match="full"):
        [store.enqueue_checkin(boot, NOW, build) for _ in range(1000)]
    kept = [store.record_drawing_state(drawing_state(marks)) for marks in range(200)]

    told = build(0, store.snapshot())
    assert told.identity.awakenings == 1
    assert told.pi.outbox_depth == len(store.oldest_checkins(999, 2**30))

    (disk / "fill").unlink()
    kept[-1].result(5)
    assert [row.marks for row in store.get_recent_drawing_history(999)] == list(range(200))
    assert store.dropped.total == 0
    assert store.close(5)


def test_a_full_disk_drops_the_ballast_before_the_database_is_opened(disk, capsys):
    """Opening needs room of its own."""
    ballast = Ballast(disk)
    ballast.prepare()
    _fill(disk)
    ballast.prepare()
    store = Store(disk / "anima.db", "lumen", full=ballast.drop)
    store.start()

    assert store.wake(NOW) is None
    assert store.close(5)
    assert "ballast dropped" in capsys.readouterr().out


def test_the_ballast_is_not_what_fills_the_disk(tmp_path, monkeypatch):
    """No room to spare, no ballast; and nothing to drop."""
    monkeypatch.setattr(ballast_file, "ROOM_BYTES", 2**80)
    ballast = Ballast(tmp_path)
    ballast.prepare()

    assert list(tmp_path.iterdir()) == []
    assert not ballast.drop()


def test_a_ballast_that_cannot_be_made_leaves_nothing(tmp_path, monkeypatch, capsys):
    """Said, and life goes on without."""

    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    Ballast(tmp_path).prepare()

    assert list(tmp_path.iterdir()) == []
    assert "no ballast" in capsys.readouterr().out
