"""The runner against SQLite: all or nothing, once only, and nothing behind our back."""

import os
import sqlite3
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from apps.migrate import runner
from apps.migrate.errors import Locked
from apps.migrate.ledger import Patience
from apps.migrate.lines import line as line_of
from apps.migrate.sqlite import _readonly
from schemas.errors import Diverged, Refused, Unreachable

LEDGER = {"_abode_checksum", "_yoyo_log", "_yoyo_migration"}
LEDGER |= {"_yoyo_version", "yoyo_lock", "sqlite_sequence"}


def query(database, sql):
    """What the plain driver reads."""
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute(sql).fetchall()


def catalog(database):
    """Everything that was created, but for the ledger."""
    rows = query(database, "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY name")
    return [row for row in rows if row[2] not in LEDGER]


def files(database):
    """Names and bytes of the database and of what lies beside it."""
    return {file.name: file.read_bytes() for file in Path(database).parent.iterdir()}


def test_apply_runs_everything_once(tiny, database):
    """The second run has nothing to do."""
    assert runner.apply(tiny, database).ran == tiny.migrations()
    assert runner.apply(tiny, database).ran == ()
    assert [row[1] for row in catalog(database)] == ["cups", "cups_handle_idx"]


def test_the_file_is_private_and_has_a_write_ahead_log(tiny, database):
    """Mode 0600 from its first moment; WAL, so that readers never wait."""
    runner.apply(tiny, database)

    assert stat.S_IMODE(Path(database).stat().st_mode) == 0o600
    assert query(database, "PRAGMA journal_mode") == [("wal",)]


def test_an_edited_file_is_refused(tiny, database):
    """What was applied is not what the file says now."""
    runner.apply(tiny, database)
    (tiny.folder / "0001.create-cups.sql").write_text(
        "-- ensure: SELECT 1\nCREATE TABLE mugs (id INTEGER);"
    )

    with pytest.raises(Diverged, match=r"tiny/0001\.create-cups\.sql:1: was edited"):
        runner.apply(tiny, database)
    with pytest.raises(Diverged, match="was edited"):
        runner.rollback(tiny, database)
    assert runner.status(tiny, database).edited == ("0001.create-cups",)


def test_a_missing_file_is_refused(tiny, database):
    """Old code must not run a newer database back and forth."""
    runner.apply(tiny, database)
    for end in ("sql", "rollback.sql"):
        (tiny.folder / f"0002.add-handle.{end}").unlink()

    with pytest.raises(Diverged, match=r"0002\.add-handle: was applied, but its file is gone"):
        runner.apply(tiny, database)


def test_an_earlier_migration_that_was_skipped_is_refused(tiny, database):
    """A ledger that lost an entry is not filled in silently."""
    runner.apply(tiny, database)
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("DELETE FROM _yoyo_migration WHERE migration_id LIKE '0001%'")
        connection.commit()

    with pytest.raises(Diverged, match="comes before one already applied"):
        runner.apply(tiny, database)


def test_a_failed_migration_leaves_nothing_of_itself(tiny, database):
    """The first statement is undone with the second; what came before stays."""
    (tiny.folder / "0002.add-handle.sql").write_text(
        "-- ensure: SELECT 1\nCREATE TABLE lids (id INTEGER);\nINSERT INTO nowhere VALUES (1);"
    )

    with pytest.raises(Refused, match=r"migration 0002\.add-handle line 3: no such table: nowhere"):
        runner.apply(tiny, database)
    assert [row[1] for row in catalog(database)] == ["cups"]
    assert runner.status(tiny, database).pending == ("0002.add-handle",)


def test_an_unknown_dependency_is_refused(tiny, database):
    """Yoyo would skip the migration and say nothing."""
    (tiny.folder / "0002.add-handle.sql").write_text(
        "-- ensure: SELECT 1\n-- depends: 0001.create-saucers\nSELECT 1;"
    )

    with pytest.raises(Refused, match=r"depends on '0001\.create-saucers'"):
        runner.apply(tiny, database)


def test_killed_between_the_ddl_and_its_mark_heals(tiny, database, start):
    """Kill -9 undoes the DDL with the mark, and leaves no lock."""
    killed = start(tiny, database, "die")
    assert killed.wait(20) == -9, killed.stderr.read()
    assert query(database, "SELECT pid FROM yoyo_lock") == [(-killed.pid,)]
    assert catalog(database) == []

    assert runner.apply(tiny, database).ran == tiny.migrations()
    assert query(database, "SELECT pid FROM yoyo_lock") == []


def test_two_at_once_apply_each_migration_once(tiny, database, start):
    """The second waits, looks again and finds nothing to do."""
    both = [start(tiny, database), start(tiny, database)]
    said = [process.communicate(timeout=20) for process in both]

    assert [process.returncode for process in both] == [0, 0], said
    assert sorted(out for out, _ in said) == ["", " ".join(tiny.migrations())]
    assert query(database, "SELECT count(*) FROM _yoyo_log") == [(2,)]


def test_what_is_pending_is_decided_by_whoever_holds_the_lock(tiny, database):
    """It was pending when the second began to wait, and is not when its turn comes."""
    with ThreadPoolExecutor() as pool:
        with runner.opened(tiny, database) as ledger, ledger.lock():
            second = pool.submit(runner.apply, tiny, database)
            time.sleep(0.5)
            for migration in tiny.migrations():
                ledger.apply(migration)
        assert second.result(timeout=20).ran == ()


def test_the_holder_of_the_lock_is_named(tiny, database):
    """Whoever waits learns which process to look at."""
    with (
        runner.opened(tiny, database) as ledger,
        ledger.lock(),
        pytest.raises(Refused, match=rf"running: pid {os.getpid()}\b"),
    ):
        runner.apply(tiny, database, Patience(runner=0.1))


def test_back_and_forth_gives_the_same_catalog(tiny, database):
    """Up, down, up: nothing is left behind and nothing is lost."""
    runner.apply(tiny, database)
    up = catalog(database)

    assert runner.rollback(tiny, database, to="0000").undone == (
        "0002.add-handle",
        "0001.create-cups",
    )
    assert catalog(database) == []
    runner.apply(tiny, database)
    assert catalog(database) == up


def test_rollback_stops_where_it_was_told(tiny, database):
    """By number, by id or by steps."""
    runner.apply(tiny, database)

    assert runner.rollback(tiny, database, to="0002").undone == ()
    assert runner.rollback(tiny, database, to="0001.create-cups").undone == ("0002.add-handle",)
    assert runner.rollback(tiny, database).undone == ("0001.create-cups",)
    with pytest.raises(Refused, match="nothing is applied"):
        runner.rollback(tiny, database)


def test_rollback_to_something_unknown_is_refused(tiny, database):
    """The message lists what is applied."""
    runner.apply(tiny, database)

    with pytest.raises(Refused, match="'0009' is not applied"):
        runner.rollback(tiny, database, to="0009")


def test_what_follows_runs_again_after_a_change_and_only_then(tiny, database):
    """A migration makes it due, an edit of it too; a quiet run does not."""
    follows = tiny.folder / "post-apply.count.sql"
    follows.write_text("INSERT INTO cups (name) VALUES ('counted');")
    count = "SELECT count(*) FROM cups"

    assert runner.apply(tiny, database).ran[-1] == "post-apply.count"
    assert runner.apply(tiny, database).ran == ()
    assert query(database, count) == [(1,)]
    follows.write_text("INSERT INTO cups (name) VALUES ('edited');")
    assert runner.apply(tiny, database).ran == ("post-apply.count",)
    runner.rollback(tiny, database)
    assert runner.apply(tiny, database).ran == ("0002.add-handle", "post-apply.count")
    assert query(database, count) == [(3,)]


def test_what_follows_is_caught_up_when_it_failed(tiny, database):
    """Applied without its grants is not done."""
    follows = tiny.folder / "post-apply.count.sql"
    follows.write_text("INSERT INTO nowhere VALUES (1);")

    with pytest.raises(Refused, match=r"migration post-apply\.count"):
        runner.apply(tiny, database)
    assert not runner.status(tiny, database).settled
    follows.write_text("SELECT 1;")
    assert runner.apply(tiny, database).ran == ("post-apply.count",)


def test_the_ledger_holds_what_the_files_hold(tiny, database):
    """Deploy compares the two to know whether anything is left to do."""
    follows = tiny.folder / "post-apply.count.sql"
    follows.write_text("SELECT 1;")
    runner.apply(tiny, database)
    ids = (*tiny.migrations(), *tiny.post_applies())
    held = "SELECT migration_id, sha256 FROM _abode_checksum"
    assert dict(query(database, held)) == {i: tiny.checksum(i) for i in ids}

    follows.unlink()
    assert runner.status(tiny, database).gone == ("post-apply.count",)
    runner.apply(tiny, database)
    assert runner.status(tiny, database).settled
    assert len(query(database, held)) == 2


def test_status_writes_nothing(tiny, database):
    """No database, no lock, no -wal and no -shm; an existing file keeps its bytes."""
    with pytest.raises(Unreachable, match="is missing"):
        runner.status(tiny, database)
    assert files(database) == {}
    runner.apply(tiny, database)
    before = files(database)

    assert runner.status(tiny, database).settled
    assert files(database) == before


def test_status_leaves_a_hot_journal_to_a_writer(tiny, database):
    """What a dead writer left half done is not read as if it were whole."""
    Path(database).touch()
    assert "immutable" in _readonly(Path(database))
    Path(f"{database}-journal").touch()
    assert "immutable" not in _readonly(Path(database))


def test_a_file_has_one_lock_by_whatever_name(tiny, database):
    """A link beside it is the same file."""
    runner.apply(tiny, database)
    link = Path(f"{database}.link")
    link.symlink_to(database)
    at_once = Patience(runner=0.1)
    with runner.opened(tiny, database) as one, one.lock(), pytest.raises(Locked):
        runner.apply(tiny, str(link), at_once, again=True)


def test_status_sees_what_a_running_process_wrote(tiny, database):
    """A write-ahead log that is in use is read as well."""
    with closing(sqlite3.connect(database)) as running:
        running.execute("PRAGMA journal_mode=WAL")
        running.execute("CREATE TABLE used (id INTEGER)")
        runner.apply(tiny, database)

        assert runner.status(tiny, database).settled


def test_a_folder_that_is_not_there_is_unreachable(tiny, tmp_path):
    """The path is named."""
    with pytest.raises(Unreachable, match=r"nowhere/tiny\.db"):
        runner.apply(tiny, str(tmp_path / "nowhere" / "tiny.db"))


def test_anima_returns_to_the_same_catalog(database):
    """The real line: up, down, up."""
    anima = line_of("anima")
    runner.apply(anima, database)
    up = catalog(database)

    runner.rollback(anima, database, to="0000")
    assert catalog(database) == []
    runner.apply(anima, database)
    assert catalog(database) == up
