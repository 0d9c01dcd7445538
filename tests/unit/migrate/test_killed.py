"""SQLite: kill -9 at any moment of an apply, and four appliers at once."""

import importlib.util
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from apps.migrate import runner

spec = importlib.util.spec_from_file_location("moments", Path(__file__).with_name("moments.py"))
moments = importlib.util.module_from_spec(spec)
spec.loader.exec_module(moments)


def query(database, sql):
    """What the plain driver reads; nothing where there is no such table yet."""
    with closing(sqlite3.connect(database)) as connection:
        try:
            return connection.execute(sql).fetchall()
        except sqlite3.OperationalError:
            return []


@pytest.mark.timeout(600)
def test_killed_at_any_moment_it_heals(tmp_path, database, start):
    """No migration twice, none half-marked, no lock left."""
    line = moments.written(tmp_path / "line", "sqlite")
    of = moments.moments(*moments.measured(start, line, database))
    for number, (how, when) in enumerate(of):
        if number % 2:
            Path(database).unlink()
        moments.killed(start, line, database, how, when)
        moments.is_whole(query, line, database)
        runner.apply(line, database)
        assert moments.is_whole(query, line, database) == moments.MIGRATIONS, (how, when)
        assert runner.status(line, database).settled
        assert query(database, "SELECT pid FROM yoyo_lock") == []
        assert query(database, "PRAGMA integrity_check") == [("ok",)]
        runner.rollback(line, database, to="0000")


@pytest.mark.timeout(600)
def test_a_rollback_killed_at_any_moment_is_whole_or_nothing(tmp_path, database, start):
    """All of it is undone or none; the next run does the rest."""
    line = moments.written(tmp_path / "line", "sqlite")
    runner.apply(line, database)
    for how, when in moments.moments(*moments.measured(start, line, database, "back")):
        moments.killed(start, line, database, how, when, "back")
        left = moments.is_whole(query, line, database)
        assert left in {0, moments.MIGRATIONS}, (how, when)
        if left:
            runner.rollback(line, database, to="0000")
        runner.apply(line, database)
        assert moments.is_whole(query, line, database) == moments.MIGRATIONS
        assert query(database, "SELECT pid FROM yoyo_lock") == []


@pytest.mark.timeout(600)
def test_four_at_once_apply_each_migration_once(tmp_path, start):
    """All exit 0; those that come second find nothing to do."""
    line = moments.written(tmp_path / "line", "sqlite")
    for number in range(moments.ROUNDS):
        database = str(tmp_path / f"{number}.db")
        four = [start(line, database) for _ in range(4)]
        said = [process.communicate(timeout=60) for process in four]
        assert [process.returncode for process in four] == [0, 0, 0, 0], said
        assert sorted(i for out, _ in said for i in out.split()) == list(line.migrations())
        assert moments.is_whole(query, line, database) == moments.MIGRATIONS
