"""SQLite: what a rollback destroys is counted, kept and confirmed; an apply is backed up first."""

import fcntl
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from apps.migrate import runner
from apps.migrate import snapshot as snapshots
from apps.migrate.errors import Loss, Unconfirmed
from schemas.errors import Diverged, Refused


def execute(database, *statements):
    """Do it at once."""
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def query(database, sql):
    """What the plain driver reads."""
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute(sql).fetchall()


@pytest.fixture
def full(tiny, database):
    """Three cups, two of them with a handle."""
    runner.apply(tiny, database)
    execute(database, "INSERT INTO cups (name, handle) VALUES ('a', 'x'), ('b', 'y'), ('c', NULL)")
    return database


def test_values_and_rows_are_counted(tiny, full):
    """A column that goes takes the values that are not null; a table takes its rows."""
    assert runner.rollback(tiny, full).losses == (Loss("cups", "handle", 2),)
    assert runner.rollback(tiny, full).losses == (Loss("cups", None, 3),)


def test_rows_that_go_by_cascade_are_counted(tiny, full):
    """The rollback names one table; the other loses rows as well."""
    (tiny.folder / "0003.add-saucers.sql").write_text(
        "-- ensure: SELECT 1\nCREATE TABLE saucers (cup INTEGER);\n"
        "CREATE TRIGGER saucers_clear AFTER DELETE ON cups BEGIN DELETE FROM saucers; END;"
    )
    (tiny.folder / "0003.add-saucers.rollback.sql").write_text(
        "-- lossy: cups without a handle\nDELETE FROM cups WHERE handle IS NULL;\n"
        "DROP TRIGGER saucers_clear;"
    )
    runner.apply(tiny, full)
    execute(full, "INSERT INTO saucers VALUES (1), (2)")

    assert runner.rollback(tiny, full).losses == (Loss("cups", None, 1), Loss("saucers", None, 2))


def test_nothing_is_lost_without_a_yes(tiny, full):
    """The rehearsal leaves no trace, and says what it found."""
    with pytest.raises(Unconfirmed, match=r"destroys 2 values of cups\.handle") as refused:
        runner.rollback(tiny, full, confirm=lambda *_: False)

    assert refused.value.losses == (Loss("cups", "handle", 2),)
    assert runner.status(tiny, full).settled
    assert query(full, "SELECT count(handle) FROM cups") == [(2,)]
    assert snapshots.kept(Path(full)) == []


def test_a_rollback_that_destroys_nothing_asks_nobody(tiny, database):
    """Nor does it keep a copy of nothing."""
    (tiny.folder / "0003.add-lid.sql").write_text(
        "-- ensure: SELECT 1\nCREATE INDEX cups_name_idx ON cups (name);"
    )
    (tiny.folder / "0003.add-lid.rollback.sql").write_text("DROP INDEX cups_name_idx;")
    runner.apply(tiny, database)

    done = runner.rollback(tiny, database, confirm=lambda *_: pytest.fail("asked"))
    assert (done.losses, done.snapshots) == ((), ())


def test_what_is_destroyed_is_kept_in_a_file_that_opens(tiny, full):
    """A whole copy as it was, private, without a log of its own."""
    (kept,) = runner.rollback(tiny, full, to="0000").snapshots

    assert query(kept, "SELECT name, handle FROM cups") == [("a", "x"), ("b", "y"), ("c", None)]
    assert kept.stat().st_mode & 0o777 == 0o600
    assert runner.status(tiny, str(kept)).settled
    assert query(kept, "SELECT count(*) FROM yoyo_lock") == [(0,)]
    assert [file.name for file in kept.parent.glob(f"{kept.name}?*")] == []


def test_a_file_changed_while_a_person_thinks_is_refused(tiny, full):
    """Yes was said to something else."""

    def meanwhile(*_):
        runner.rollback(tiny, full)
        return True

    with pytest.raises(Refused, match="changed while you were asked"):
        runner.rollback(tiny, full, confirm=meanwhile)
    assert query(full, "SELECT count(*) FROM cups") == [(3,)]


def test_several_steps_are_one_transaction(tiny, full):
    """The first of them fails: the second is not undone either."""
    (tiny.folder / "0001.create-cups.rollback.sql").write_text("-- lossy: all\nDROP TABLE saucers;")
    execute(full, "DELETE FROM _abode_checksum")
    with pytest.raises(Refused, match=r"migration 0001\.create-cups line 2: no such table"):
        runner.rollback(tiny, full, to="0000")

    assert query(full, "SELECT count(handle) FROM cups") == [(2,)]
    assert len(runner.status(tiny, full).applied) == 2


def test_a_backup_comes_before_an_apply_with_something_to_lose(tiny, full):
    """Not before the first migration, and not when nothing is pending."""
    assert runner.apply(tiny, full, backup=True).backup is None
    runner.rollback(tiny, full)
    said = []
    backup = runner.apply(tiny, full, backup=True, say=said.append).backup

    assert backup.name.startswith("tiny.db.before-0002.")
    assert query(backup, "SELECT count(*) FROM cups") == [(3,)]
    assert said[0] == "backing up"
    assert said[1].startswith("backing up: ")


def test_old_snapshots_make_room_for_new_ones(tiny, full, monkeypatch):
    """By number and by size; the newest stays whatever its size."""
    path = Path(full)
    made = [snapshots.snapshot(path, why) for why in ("a", "b", "c", "d")]
    assert snapshots.kept(path) == made[:0:-1]

    monkeypatch.setattr(snapshots, "KEPT_BYTES", 1)
    newest = snapshots.snapshot(path, "e")
    assert snapshots.kept(path) == [newest]


def test_what_was_before_us_is_never_thinned(tiny, full):
    """There is no other copy of it."""
    first = snapshots.snapshot(Path(full), "before-adopt")
    for why in ("a", "b", "c", "d"):
        snapshots.snapshot(Path(full), why)
    assert len(snapshots.kept(Path(full))) == snapshots.KEPT + 1
    assert first.exists()


def test_a_half_copy_of_a_dead_process_is_swept(tiny, full):
    """Not that of somebody at work."""
    dead, alive = (Path(f"{full}.why.2026112{n}T000000.0Z.part") for n in (0, 1))
    dead.touch()
    with alive.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        snapshots.snapshot(Path(full), "why")
        assert (dead.exists(), alive.exists()) == (False, True)


def test_a_snapshot_needs_room(tiny, full, monkeypatch):
    """Refused before anything is written."""
    monkeypatch.setattr(snapshots.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 1000}))
    with pytest.raises(Refused, match="no room for a snapshot"):
        snapshots.snapshot(Path(full), "why")


def test_a_damaged_database_gives_no_snapshot(tiny, full):
    """A copy that does not pass its check is not kept."""
    execute(full, "PRAGMA wal_checkpoint(TRUNCATE)")
    root = query(full, "SELECT rootpage FROM sqlite_master WHERE name = 'cups'")[0][0]
    size = query(full, "PRAGMA page_size")[0][0]
    with Path(full).open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\xff" * 64)

    with pytest.raises(Diverged, match="the copy is damaged"):
        snapshots.snapshot(Path(full), "why")
    assert [file.name for file in Path(full).parent.glob("*.part")] == []
