"""What the deploy makes of what a file says of itself."""

import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from apps.migrate import lines, runner
from apps.migrate.adopt import adopt
from services import proof
from services.migrations import Stated, anima_ask

FEBRUARY = Path(__file__).parents[1] / "migrate/february.sql"
ANIMA = lines.line("anima")


@pytest.fixture
def path(tmp_path):
    """Where the file will be."""
    return tmp_path / "anima.db"


def stated(path):
    """The fact, asked as the deploy asks it."""
    fact = Stated()
    asked = subprocess.run(
        ["sh", "-c", fact.command(anima_ask(str(path)))], capture_output=True, text=True, check=True
    )
    return fact.process(asked.stdout.splitlines())


def holds(said):
    """Whether the deploy would leave it alone."""
    return not proof.drifted("anima", said["catalog"]) or said["proven"] == proof.mark(
        "anima", said["catalog"]
    )


def test_a_file_that_is_not_there_yet_says_nothing(path):
    """Everything of it is missing, and nothing breaks."""
    said = stated(path)
    assert (said["ledger"], said["proven"]) == ({}, "")
    assert not holds(said)
    assert proof.drifted("governance", "")


def test_a_migrated_file_needs_no_proof(path):
    """Read by the sqlite3 command, it is like the committed snapshot."""
    runner.apply(ANIMA, str(path))
    said = stated(path)
    assert said["ledger"] == lines.checksums("anima")
    assert proof.drifted("anima", said["catalog"]) == []


def test_an_adopted_file_is_proven_once(path):
    """It differs from the snapshot for ever; the mark holds until something changes."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(FEBRUARY.read_text())
        connection.execute("PRAGMA journal_mode = WAL")
    adopt(ANIMA, str(path), "America/Denver")
    assert not holds(stated(path))
    subprocess.run(["sh", "-c", proof.keep_mark(str(path))], check=True)
    assert holds(stated(path))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE INDEX by_hand ON events (event_type)")
    assert not holds(stated(path))


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM _abode_checksum WHERE migration_id = '{last}'",
        "UPDATE _abode_checksum SET applied_at_utc = '2020-01-01' WHERE migration_id = '{last}'",
        "INSERT INTO _yoyo_migration VALUES ('x', '9999.add-wings', '2026-01-01')",
    ],
    ids=["unsigned", "signed for another application", "unknown"],
)
def test_the_deploy_and_status_agree_on_what_is_settled(path, statement):
    """What plain yoyo did is not taken for ours."""
    runner.apply(ANIMA, str(path))
    assert runner.status(ANIMA, str(path)).settled
    assert stated(path)["ledger"] == lines.checksums("anima")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement.format(last=ANIMA.migrations()[-1]))
    assert not runner.status(ANIMA, str(path)).settled
    assert stated(path)["ledger"] != lines.checksums("anima")
