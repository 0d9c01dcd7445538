"""A mended file: the times of the rows that a backup brought, and which rows an archive has."""

import sqlite3
from datetime import UTC, datetime

import pytest

from apps.anima import archives, noted
from apps.anima.archives import Archive
from apps.anima.backups import Backups, kept
from apps.anima.recovery import recover
from apps.anima.retiming import STAMPS, moved_by
from tests.unit.anima.damage import ask, change, root, spoil
from tests.unit.anima.house_time import World

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def _archive(path, table, ids, **changes):
    """An archive of rows that are in the file, as retention would write it."""
    db = sqlite3.connect(path)
    rows = db.execute(
        f"SELECT * FROM {table} WHERE id BETWEEN ? AND ? ORDER BY id", (ids[0], ids[-1])
    ).fetchall()
    columns = tuple(
        name for (name,) in db.execute("SELECT name FROM pragma_table_info(?)", (table,))
    )
    db.close()
    draft = Archive(
        table=table, day=NOW.date().isoformat(), columns=columns, rows=0, first_id=0, last_id=0,
        from_at="", upto_at="", sha256="", size_bytes=0, schema_version=None, made_at="", **changes,
    )  # fmt: skip
    return archives.write(path.parent, draft, rows, lambda row: row[1])


def _ids(path, table):
    return [id_ for (id_,) in ask(path, f"SELECT id FROM {table} ORDER BY id")]


def test_what_was_archived_since_the_backup_does_not_come_back(path, live):
    """Every row of it that is just as the archive has it."""
    live(300)
    Backups(path).make(NOW)
    _archive(path, "drawing_history", range(1, 251))
    recover(path, "found by a test")

    assert _ids(path, "drawing_history") == list(range(251, 301))
    assert len(_ids(path, "state_history")) == 300


def test_a_row_is_deleted_only_if_the_archive_has_it_just_so(path, live, capsys):
    """One with an archived id and other values was never archived: it stays, and it is said."""
    live(300)
    _archive(path, "drawing_history", range(1, 251))
    change(path, "UPDATE drawing_history SET marks = marks + 1 WHERE id BETWEEN 120 AND 300")
    recover(path, "found by a test")

    assert _ids(path, "drawing_history") == list(range(101, 301))
    assert "archived rows kept" in capsys.readouterr().out


@pytest.mark.parametrize("end", [".csv.gz", ".json"])
def test_for_a_spoilt_archive_no_row_is_deleted(path, live, capsys, end):
    """The backup may be the only place where its rows are."""
    live(100)
    archive = _archive(path, "drawing_history", range(1, 101))
    spoilt = archives.place(path.parent, archive).with_name(f"{archive.name}{end}")
    content = bytearray(spoilt.read_bytes())
    content[len(content) // 2] ^= 0xFF
    spoilt.write_bytes(content)
    recover(path, "found by a test")

    assert len(_ids(path, "drawing_history")) == 100
    assert archive.name in capsys.readouterr().out


def test_rows_that_vanish_without_an_error_are_counted_by_their_ids(path, live):
    """Between two rows and behind the last; what was told once is not told again."""
    live(100)
    change(path, "DELETE FROM drawing_history WHERE id IN (40, 41) OR id > 97")
    first, second = recover(path, "found by a test"), recover(path, "found again")

    assert first["lost"] == {"drawing_history": 5}
    assert second["lost"] == {}
    assert first["uncounted"] == second["uncounted"] == []


def test_a_loss_that_was_told_hides_no_other(path, live):
    """Retention takes the rows around the first gap; then others vanish."""
    live(100)
    change(path, "DELETE FROM drawing_history WHERE id BETWEEN 30 AND 41")
    first = recover(path, "found by a test")
    change(path, "DELETE FROM drawing_history WHERE id <= 60 OR id BETWEEN 80 AND 84")
    second = recover(path, "found again")

    assert first["lost"] == {"drawing_history": 12}
    assert second["lost"] == {"drawing_history": 5}


def test_what_an_archive_has_is_not_lost(path, live):
    """Between rows that were brought back for a look and those that never left."""
    live(100)
    _archive(path, "drawing_history", range(11, 51))
    change(path, "DELETE FROM drawing_history WHERE id BETWEEN 11 AND 50")

    assert recover(path, "found by a test")["lost"] == {}


def test_a_count_that_nobody_has_is_not_made_up(path, live):
    """The file is gone: what came after the backup is lost, and nothing tells how much."""
    live(100)
    Backups(path).make(NOW)
    live(50)
    path.unlink()
    facts = recover(path, "gone")

    assert len(_ids(path, "drawing_history")) == 100
    assert "drawing_history" in facts["uncounted"]
    assert "outbox" in facts["uncounted"]


def test_an_outbox_that_governance_took_from_has_lost_nothing(path, live):
    """What is acknowledged leaves from the oldest on."""
    live(10, 30)
    change(path, "DELETE FROM outbox WHERE id < 10")

    assert recover(path, "found by a test")["uncounted"] == []


def test_an_outbox_cut_off_at_its_newest_is_told(path, live):
    """No page of it is damaged, and yet."""
    live(10, 30)
    change(path, "DELETE FROM outbox WHERE id > 20")

    assert recover(path, "found by a test")["uncounted"] == ["outbox"]


def test_no_id_of_an_archive_is_given_again(path, live):
    """The file is gone, no backup is there: what is written then survives the next damage."""
    live(1)
    change(path, "UPDATE sqlite_sequence SET seq = 5000000 WHERE name = 'state_history'")
    live(60)
    archive = _archive(path, "state_history", range(5_000_001, 5_000_061))
    path.unlink()
    recover(path, "gone")
    live(30)
    new = _ids(path, "state_history")
    recover(path, "found by a test")

    assert new[0] > 1_000_000 + archive.last_id
    assert _ids(path, "state_history") == new
    assert len(new) == 30


@pytest.fixture
def moved(path, drawing_state):
    """A life in which an authority was heard between two backups; gives every row's time."""
    World.pretend_made(path, datetime(2020, 1, 1, tzinfo=UTC))
    world = World(path, NOW, drawing_state)
    world.power_on()
    world.ntp()
    world.live(45)
    world.power_cut(600)
    world.power_on(wall=datetime(2020, 1, 2, tzinfo=UTC))
    world.live(65)
    Backups(path).make(NOW)
    world.ntp()
    world.live(45)
    Backups(path).make(NOW)
    world.live(20)
    yield world
    world.stop()


def _times(path):
    """Of every row that the clock moves, by table and id; and the shifts."""
    found = {"shifts": ask(path, "SELECT id, next_id, shift_microseconds FROM clock_shifts")}
    for table, stamp in STAMPS.items():
        only = "WHERE event_type <> 'damage'" if table == "events" else ""
        found |= {
            (table, id_): at for id_, at in ask(path, f"SELECT rowid, {stamp} FROM {table} {only}")
        }
    found |= dict(ask(path, "SELECT -id, started_at FROM drawing_records"))
    return found


def test_a_backup_gets_the_times_that_rows_were_moved_to(path, moved):
    """What never changes is taken from it, but for the time; the shifts are there once."""
    moved.stop()
    before = _times(path)
    spoil(path, root(path, "goals"))
    facts = recover(path, "found by a test")

    assert len(facts["restored"]) == 2
    assert len(before["shifts"]) > 1
    assert _times(path) == before


@pytest.mark.parametrize("lost", ["state_history", "drawing_records", "outbox", "events"])
def test_rows_that_only_the_whole_backup_has_are_moved(path, moved, lost):
    """The file tells how far, if nothing else; a piece keeps a start that lies before its boot."""
    moved.stop()
    before = _times(path)
    for part in [each for each in kept(path.parent) if each.base]:
        part.path.unlink()
    spoil(path, root(path, lost))
    recover(path, "found by a test")
    after = _times(path)

    assert after["shifts"] == before["shifts"]
    assert sum(key[0] == lost for key in after if isinstance(key, tuple)) > 1
    assert after == {key: before[key] for key in after}


def test_a_part_moves_the_rows_of_its_whole_backup(path, moved):
    """The file is gone: every row that comes back has its time."""
    moved.stop()
    before = _times(path)
    path.unlink()
    recover(path, "gone")
    after = _times(path)

    assert after["shifts"] == before["shifts"]
    assert len(after) > len(before) - 20
    assert after == {key: before[key] for key in after}


def test_rows_that_were_being_moved_are_moved_on(path, moved):
    """Each of them once: the damage came between, and the next start goes on."""
    moved.stop()
    noted.forget_all(path)
    before = _times(path)
    db = sqlite3.connect(path)
    db.create_function("moved_by", 2, moved_by)
    for table, stamp in STAMPS.items():
        (shift,) = db.execute(
            "SELECT max(shift_microseconds) FROM clock_shifts WHERE table_name = ?", (table,)
        ).fetchone()
        which = "table_name = ? AND shift_microseconds = ?"
        (low, high) = db.execute(
            f"SELECT from_id, upto_id FROM clock_shifts WHERE {which}", (table, shift)
        ).fetchone()
        middle = (low + high) // 2
        db.execute(f"UPDATE clock_shifts SET next_id = {middle} WHERE {which}", (table, shift))
        begun = ", started_at = moved_by(started_at, :by)" if table == "drawing_records" else ""
        db.execute(
            f"UPDATE {table} SET {stamp} = moved_by({stamp}, :by){begun}"
            " WHERE rowid BETWEEN :low AND :high",
            {"by": -shift, "low": middle, "high": high},
        )
    db.commit()
    db.close()
    for part in [each for each in kept(path.parent) if each.base]:
        part.path.unlink()
    spoil(path, root(path, "goals"))
    recover(path, "found by a test")
    assert _times(path) != before
    moved.wake()
    moved.stop()
    after = _times(path)

    assert {key: after[key] for key in before} == before
