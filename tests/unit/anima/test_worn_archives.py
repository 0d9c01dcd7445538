"""What a worn card does to the archives or to one row stops no other day from being archived."""

import sqlite3

import pytest

from apps.anima import archives
from apps.anima.restore import restore_archive
from apps.anima.retention import Retention
from tests.unit.anima.house_time import five_days
from tests.unit.anima.test_retention import everything, home, keeper, live


@pytest.fixture
def world(path, drawing_state):
    """A board that is on and knows the time, five days of rows ago."""
    yield from five_days(path, drawing_state)


@pytest.mark.parametrize("stamp", ["6026-10-06T12:00:00.000000+00:00",
                                   "2026/10-06T12:00:00.000000+00:00",
                                   "../../../x-06T12:00:00.000000+00:00"])  # fmt: skip
@pytest.mark.parametrize("at", ["min(id)", "min(id) + 20"])
def test_a_time_that_cannot_be_takes_the_day_of_its_neighbour(world, stamp, at):
    """And is counted: it stops nothing, and never becomes the name of a file."""
    db = sqlite3.connect(world.path)
    db.execute("PRAGMA ignore_check_constraints = ON")
    db.execute(
        f"UPDATE state_history SET timestamp = ? WHERE id = (SELECT {at} FROM state_history)",
        (stamp,),
    )
    db.commit()
    db.close()
    before = everything(world)
    world.skip(days=40)
    kept = keeper(world)
    kept.run()

    assert kept.failures.counts == {"time in state_history": 1}
    assert live(world) == 0
    assert everything(world) == before
    days = {archive.day for archive in archives.listed(world.path.parent, "state_history")}
    assert min(days) == "2026-10-05"
    assert max(days) <= "2026-10-10"


def test_a_damaged_manifest_stops_no_later_day(world):
    """It is counted; what it told of is neither written over nor deleted for it."""
    world.skip(days=27)
    keeper(world).run()
    folder = world.path.parent / "archive/state_history"
    manifest = folder / "state_history-2026-10-05.json"
    data = (folder / "state_history-2026-10-05.csv.gz").read_bytes()
    manifest.write_text("{" + manifest.read_text())
    world.skip(days=13)
    kept = keeper(world)
    kept.run()

    assert kept.failures.counts == {"archive of state_history": 1}
    assert live(world) == 0
    assert (folder / "state_history-2026-10-05.csv.gz").read_bytes() == data
    assert archives.next_part(world.path.parent, "state_history", "2026-10-05") == 2
    manifest.unlink()
    assert archives.next_part(world.path.parent, "state_history", "2026-10-05") == 2
    assert archives.next_part(world.path.parent, "state_history", "2026-10-04") == 1


def test_a_row_that_is_not_as_archived_stops_no_later_day(world):
    """It stays with its neighbours; later days leave, and none of it is deleted."""
    world.skip(days=27)
    keeper(world).run()
    restore_archive(home(world), ["state_history", "2026-10-05", "--hold", "1"], world.truth)
    db = sqlite3.connect(world.path)
    db.execute("UPDATE state_history SET warmth = 0.123 WHERE id = 1")
    db.commit()
    count = db.execute(
        "SELECT count(*) FROM state_history WHERE timestamp < '2026-10-06'"
    ).fetchone()[0]
    db.close()
    world.skip(days=13)
    kept = keeper(world)
    kept.run()

    assert kept.failures.counts == {"archive of state_history": 1}
    assert live(world) == count


def test_an_archive_without_a_live_row_is_not_read(world, monkeypatch):
    """A row that stays for ever must not have every later archive verified each hour."""
    world.skip(days=27)
    keeper(world).run()
    db = sqlite3.connect(world.path)
    db.execute("INSERT INTO state_history SELECT 1, timestamp, warmth, clarity, stability,"
               " presence, sensors FROM state_history LIMIT 1")  # fmt: skip
    db.commit()
    db.close()
    read = []
    monkeypatch.setattr(archives, "verify", lambda _, archive: read.append(archive.name))
    monkeypatch.setattr(Retention, "_remove", lambda *_: None)
    keeper(world).run()

    assert read == ["state_history-2026-10-05"]


@pytest.mark.parametrize("error", [OSError("Input/output error"), ValueError("embedded null byte")])
def test_a_card_that_cannot_be_read_is_counted(world, monkeypatch, error):
    """And is no traceback each hour."""

    def refuse(*_):
        raise error

    monkeypatch.setattr(archives, "size_bytes", refuse)
    world.skip(days=40)
    kept = keeper(world)
    kept.run()
    assert kept.failures.total == 3

    monkeypatch.setattr(archives, "alone", refuse)
    kept.run()
    assert kept.failures.counts["archives"] == 1
