"""What is noted, and when: beside a commit that fails, takes long, or is somebody else's."""

import os
import sqlite3
from contextlib import closing

import pytest

from apps.anima import altered, journal
from apps.anima.checkup import Checkup
from apps.anima.journal import Journal
from apps.anima.noted import Noted
from apps.sqlite import connect
from tests.unit.anima.test_journal import told


@pytest.fixture
def noting(path):
    """A journal, and the connection that it watches."""
    db = connect(path)
    made = Journal(path)
    made.watch(db)
    yield made, db
    made.close()
    db.close()


def wake(db, journal_, *, is_committed=True):
    """One event, by hand."""
    journal_.begin()
    db.execute("BEGIN IMMEDIATE")
    db.execute(
        "INSERT INTO events (timestamp, event_type, data)"
        " VALUES ('2026-11-20T12:00:00.000000+00:00', 'wake', '{}')"
    )
    journal_.note(db)
    db.execute("COMMIT" if is_committed else "ROLLBACK")
    if not is_committed:
        journal_.undo()


def test_a_transaction_that_the_disk_fails_is_not_in_it(path, noting):
    """The line was written before."""
    made, db = noting
    wake(db, made)
    wake(db, made, is_committed=False)
    db.execute("PRAGMA user_version").fetchone()

    assert told(path) == [("events", 1)]


def test_a_card_that_takes_nothing_ends_it_and_it_begins_again(path, noting, monkeypatch):
    """A journal with a gap would bring old rows back."""
    made, db = noting
    monkeypatch.setattr(journal, "AGAIN_SECONDS", 0.0)
    wake(db, made)
    whole = os.write

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    wake(db, made)
    wake(db, made, is_committed=False)
    monkeypatch.setattr(os, "write", whole)
    wake(db, made)

    assert told(path) == [("events", 3)]
    assert Noted(path).is_whole
    assert made.failures.counts


def test_whoever_writes_beside_it_ends_it(path, noting):
    """What it had may be older than the rows."""
    made, db = noting
    wake(db, made)
    with closing(sqlite3.connect(path)) as other:
        other.execute('UPDATE events SET data = \'{"by": "hand"}\'')
        other.commit()
    wake(db, made)

    assert told(path) == [("events", 2)]


def test_a_commit_that_takes_long_is_no_damage(path, noting, monkeypatch):
    """Its line is there, its rows are not yet."""
    monkeypatch.setattr(altered, "SETTLE_SECONDS", 0.01)
    made, db = noting
    wake(db, made)
    made.begin()
    db.execute("BEGIN IMMEDIATE")
    db.execute("UPDATE events SET data = '{\"a\": 1}'")
    made.note(db)
    checkup = Checkup(path)
    checkup._look()
    db.execute("COMMIT")

    assert checkup.found is None
