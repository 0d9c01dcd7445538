"""SQLite: plain yoyo and the runner take turns on the same files and the same ledger."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from apps.migrate import runner
from apps.migrate.ledger import Patience
from apps.migrate.lines import line as line_of
from schemas.errors import Diverged, Refused

YOYO = Path(sys.executable).with_name("yoyo")


def yoyo(verb, line, database, *more):
    """Plain yoyo, as its manual says."""
    command = [YOYO, verb, "-b", "--no-config-file", "-d", f"sqlite:///{database}", *more]
    return subprocess.run(
        [*command, line.folder], capture_output=True, text=True, check=False, timeout=60
    )


def query(database, sql):
    """What the plain driver reads."""
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute(sql).fetchall()


def catalog(database):
    """Everything that was created, but for the ledger."""
    return query(
        database,
        "SELECT type, name, sql FROM sqlite_master WHERE tbl_name NOT LIKE '%yoyo%'"
        " AND tbl_name NOT LIKE '_abode%' AND name <> 'sqlite_sequence' ORDER BY name",
    )


def test_both_make_the_same_of_anima(tmp_path):
    """One database each, the whole line, up and down."""
    ours, theirs = str(tmp_path / "ours.db"), str(tmp_path / "theirs.db")
    anima = line_of("anima")
    runner.apply(anima, ours)
    done = yoyo("apply", anima, theirs)
    assert done.returncode == 0, done.stderr

    assert catalog(ours) == catalog(theirs) != []
    assert runner.status(anima, theirs).unsigned == anima.migrations()
    runner.rollback(anima, ours, to="0000")
    assert yoyo("rollback", anima, theirs, "--all").returncode == 0
    assert catalog(ours) == catalog(theirs) == []


def test_the_two_can_alternate(tiny, database):
    """Ours up, theirs down, theirs up, ours down: the ledger is one."""
    runner.apply(tiny, database)
    assert yoyo("rollback", tiny, database, "-r", "0002.add-handle").returncode == 0
    assert runner.status(tiny, database).pending == ("0002.add-handle",)

    assert yoyo("apply", tiny, database).returncode == 0
    assert runner.status(tiny, database).unsigned == ("0002.add-handle",)
    runner.rollback(tiny, database, to="0000")
    assert catalog(database) == []
    assert yoyo("apply", tiny, database).returncode == 0
    assert runner.status(tiny, database).applied.keys() == set(tiny.migrations())


def test_what_yoyo_applied_is_compared_and_signed(tiny, database):
    """And then known by content like any other."""
    assert yoyo("apply", tiny, database).returncode == 0

    assert runner.apply(tiny, database).signed == tiny.migrations()
    assert runner.status(tiny, database).settled
    assert runner.apply(tiny, database).signed == ()


def test_what_yoyo_applied_and_is_not_what_the_files_make_is_not_signed(tiny, database):
    """A column that a hand added in between."""
    assert yoyo("apply", tiny, database).returncode == 0
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("ALTER TABLE cups ADD COLUMN colour TEXT")

    with pytest.raises(Diverged, match="colour"):
        runner.apply(tiny, database)
    assert runner.status(tiny, database).unsigned == tiny.migrations()


def test_a_checksum_of_one_that_yoyo_rolled_back_is_ignored(tiny, database):
    """The file may be changed until it is applied again."""
    runner.apply(tiny, database)
    assert yoyo("rollback", tiny, database, "-r", "0002.add-handle").returncode == 0
    file = tiny.folder / "0002.add-handle.sql"
    file.write_text(file.read_text() + "\n-- said better\n")
    assert yoyo("apply", tiny, database).returncode == 0

    plan = runner.status(tiny, database)
    assert (plan.edited, plan.unsigned) == ((), ("0002.add-handle",))


def test_a_live_yoyo_is_waited_for_and_a_dead_one_is_not(tiny, database):
    """Its lock is a row with a pid; ours is one that it waits for."""
    runner.apply(tiny, database)
    runner.rollback(tiny, database)
    sleeper = subprocess.Popen(["sleep", "60"])
    try:
        with closing(sqlite3.connect(database, isolation_level=None)) as connection:
            connection.execute("INSERT INTO yoyo_lock VALUES (1, '2026', ?)", (sleeper.pid,))
        with pytest.raises(Refused, match=f"a plain yoyo holds its lock: pid {sleeper.pid}"):
            runner.apply(tiny, database, Patience(runner=0.2))
    finally:
        sleeper.kill()
        sleeper.wait()

    assert runner.apply(tiny, database).ran == ("0002.add-handle",)


def test_yoyo_waits_for_us(tiny, database):
    """It sees our row in its own lock."""
    with runner.opened(tiny, database) as ledger, ledger.lock():
        rows = query(database, "SELECT locked, pid < 0 FROM yoyo_lock")
    assert rows == [(1, 1)]
