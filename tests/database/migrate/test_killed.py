"""Postgres: kill -9 at any moment of an apply, and four appliers at once."""

import importlib.util
import time
from pathlib import Path

import psycopg
import pytest

from apps.migrate import runner

HARNESS = Path(__file__).parents[2] / "unit/migrate/moments.py"
spec = importlib.util.spec_from_file_location("moments", HARNESS)
moments = importlib.util.module_from_spec(spec)
spec.loader.exec_module(moments)

OTHERS = """
SELECT count(*) FROM pg_stat_activity
 WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name ~ '^abode'
"""


def query(database, sql):
    """What the plain driver reads; nothing where there is no such table yet."""
    with psycopg.connect(database) as connection:
        try:
            return connection.execute(sql).fetchall()
        except psycopg.errors.UndefinedTable:
            return []


def wait(database):
    """Until the server has noticed that its client is dead."""
    until = time.monotonic() + 20
    while query(database, OTHERS) != [(0,)]:
        assert time.monotonic() < until
        time.sleep(0.02)


def forget(database):
    """Have the next apply make even the ledger."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("DROP SCHEMA ledger CASCADE")


@pytest.fixture
def owned(database):
    """An empty database whose owner may make tables in public."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA AUTHORIZATION CURRENT_USER")
    return database


@pytest.mark.timeout(600)
def test_killed_at_any_moment_it_heals(tmp_path, owned, start):
    """No migration twice, none half-marked, no lock left."""
    line = moments.written(tmp_path / "line", "postgres")
    of = moments.moments(*moments.measured(start, line, owned))
    for number, (how, when) in enumerate(of):
        if number % 2:
            forget(owned)
        moments.killed(start, line, owned, how, when)
        wait(owned)
        moments.is_whole(query, line, owned, "ledger.")
        runner.apply(line, owned)
        assert moments.is_whole(query, line, owned, "ledger.") == moments.MIGRATIONS, (how, when)
        assert runner.status(line, owned).settled
        assert query(owned, "SELECT pid FROM ledger.yoyo_lock") == []
        runner.rollback(line, owned, to="0000")


@pytest.mark.timeout(600)
def test_a_rollback_killed_at_any_moment_is_whole_or_nothing(tmp_path, owned, start):
    """All of it is undone or none; the next run does the rest."""
    line = moments.written(tmp_path / "line", "postgres")
    runner.apply(line, owned)
    for how, when in moments.moments(*moments.measured(start, line, owned, "back")):
        moments.killed(start, line, owned, how, when, "back")
        wait(owned)
        left = moments.is_whole(query, line, owned, "ledger.")
        assert left in {0, moments.MIGRATIONS}, (how, when)
        if left:
            runner.rollback(line, owned, to="0000")
        runner.apply(line, owned)
        assert moments.is_whole(query, line, owned, "ledger.") == moments.MIGRATIONS
        assert query(owned, "SELECT pid FROM ledger.yoyo_lock") == []


@pytest.mark.timeout(600)
def test_four_at_once_apply_each_migration_once(tmp_path, owned, start):
    """Even the ledger is made once; those that come second find nothing to do."""
    line = moments.written(tmp_path / "line", "postgres")
    for number in range(moments.ROUNDS):
        four = [start(line, owned) for _ in range(4)]
        said = [process.communicate(timeout=60) for process in four]
        assert [process.returncode for process in four] == [0, 0, 0, 0], said
        assert sorted(i for out, _ in said for i in out.split()) == list(line.migrations())
        assert moments.is_whole(query, line, owned, "ledger.") == moments.MIGRATIONS
        runner.rollback(line, owned, to="0000")
        if number % 2:
            forget(owned)
