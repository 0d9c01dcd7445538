"""Postgres: plain yoyo and the runner take turns on the real line, with ``?schema=ledger``."""

import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from apps.migrate import runner
from apps.migrate.catalog import postgres
from apps.migrate.ledger import Patience
from apps.migrate.lines import line as line_of
from schemas.errors import Refused

YOYO = Path(sys.executable).with_name("yoyo")
GOVERNANCE = line_of("governance")


def yoyo(verb, line, database, *more):
    """Plain yoyo, as its manual says, told where the ledger is."""
    url = database.replace("postgresql://", "postgresql+psycopg://") + "?schema=ledger"
    command = [YOYO, verb, "-b", "--no-config-file", "-d", url, *more]
    return subprocess.run(
        [*command, line.folder], capture_output=True, text=True, check=False, timeout=120
    )


def read(database):
    """The whole catalog, as the drift check reads it."""
    with psycopg.connect(database) as connection:
        found = postgres.read(connection).items()
    return {name: said for name, said in found if "ledger" not in name}


def made(catalog):
    """Without what post-applies grant: no rollback takes that back."""
    return {name: said for name, said in catalog.items() if not name.startswith("grant ")}


def query(database, sql):
    """What the plain driver reads."""
    with psycopg.connect(database) as connection:
        return connection.execute(sql).fetchall()


def execute(database, sql):
    """Do it at once."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(sql)


def test_yoyo_makes_what_we_make_and_both_undo_it(governance_database, empty_database):
    """The whole line with its post-applies; then back to nothing by yoyo alone."""
    database = empty_database.owner
    nothing = read(database)
    execute(database, "CREATE SCHEMA IF NOT EXISTS ledger")
    done = yoyo("apply", GOVERNANCE, database)
    assert done.returncode == 0, done.stderr

    assert read(database) == read(governance_database.owner)
    assert runner.status(GOVERNANCE, database).unsigned == GOVERNANCE.migrations()
    done = yoyo("rollback", GOVERNANCE, database, "--all")
    assert done.returncode == 0, done.stderr
    assert made(read(database)) == made(nothing)
    assert runner.apply(GOVERNANCE, database).ran
    assert read(database) == read(governance_database.owner)


def test_yoyo_goes_on_where_we_stopped_and_we_sign_it(governance_database, scratch_database):
    """Theirs down and up again; ours compares with the files before it vouches for it."""
    database, last = governance_database.owner, GOVERNANCE.migrations()[-1]
    assert yoyo("rollback", GOVERNANCE, database, "-r", last).returncode == 0
    assert runner.status(GOVERNANCE, database).pending == (last,)
    assert yoyo("apply", GOVERNANCE, database).returncode == 0
    assert runner.status(GOVERNANCE, database).unsigned == (last,)

    assert runner.apply(GOVERNANCE, database).signed == (last,)
    assert runner.status(GOVERNANCE, database).settled


def test_a_yoyo_that_may_live_is_waited_for(tiny, database):
    """Another session of the owner may be it; when none is left, its lock is swept."""
    runner.apply(tiny, database)
    runner.rollback(tiny, database)
    execute(database, "INSERT INTO ledger.yoyo_lock VALUES (1, now(), 4711)")
    with (
        psycopg.connect(database),
        pytest.raises(Refused, match="a plain yoyo holds its lock: pid 4711"),
    ):
        runner.apply(tiny, database, Patience(runner=0.2))

    assert runner.apply(tiny, database).ran == ("0002.add-handle",)
    assert query(database, "SELECT pid FROM ledger.yoyo_lock") == []
