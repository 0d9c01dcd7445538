"""SQLite: what a rollback destroys is noticed, however it does it, and nothing more is said."""

import sqlite3
from contextlib import closing

import pytest

from apps.migrate import runner
from apps.migrate.errors import Loss, Unconfirmed
from schemas.errors import Refused

HARMLESS = [
    "SELECT 1;",
    "UPDATE cups SET name = name;",
    "ALTER TABLE cups RENAME COLUMN handle TO grip;",
    "ALTER TABLE cups RENAME TO mugs;",
    """CREATE TABLE new (id INTEGER PRIMARY KEY, name TEXT, handle TEXT, lid TEXT);
    INSERT INTO new (id, name, handle) SELECT id, name, handle FROM cups;
    DROP TABLE cups; ALTER TABLE new RENAME TO cups;""",
]
CHANGING = [
    "UPDATE cups SET handle = NULL WHERE id = 2;",
    """DROP INDEX cups_handle_idx; ALTER TABLE cups DROP COLUMN handle;
    ALTER TABLE cups ADD COLUMN handle TEXT;""",
    "DELETE FROM cups WHERE id = 1; INSERT INTO cups (name) VALUES ('z');",
]


def execute(database, *statements):
    """Do it at once."""
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        return [connection.execute(statement).fetchall() for statement in statements]


@pytest.fixture
def third(tiny, database):
    """Apply a third migration whose rollback is the given text; two cups with handles."""

    def made(back):
        (tiny.folder / "0003.fill-cups.sql").write_text("-- ensure: SELECT 1\nSELECT 1;")
        (tiny.folder / "0003.fill-cups.rollback.sql").write_text(back)
        runner.apply(tiny, database)
        execute(database, "INSERT INTO cups (name, handle) VALUES ('a', 'x'), ('b', 'y')")
        return tiny

    return made


@pytest.mark.parametrize("back", HARMLESS)
def test_a_rollback_that_loses_nothing_needs_no_word(third, database, back):
    """A new name, a new order, a rebuilt table: the same rows."""
    done = runner.rollback(third(back), database, confirm=lambda *_: pytest.fail("asked"))
    assert (done.losses, done.snapshots) == ((), ())


@pytest.mark.parametrize("back", CHANGING)
def test_values_that_change_are_a_loss(third, database, back):
    """As many rows as before, and yet not what they were."""
    line, asked = third(f"-- lossy: handles\n{back}"), []
    with pytest.raises(Unconfirmed, match="destroys values in up to 2 rows of cups"):
        runner.rollback(line, database, confirm=lambda _, lost: asked.extend(lost))
    assert asked == [Loss("cups", "*", 2)]

    (kept,) = runner.rollback(line, database).snapshots
    assert execute(kept, "SELECT handle FROM cups") == [[("x",), ("y",)]]


@pytest.mark.parametrize("back", [*CHANGING, "DELETE FROM cups;", "DROP TABLE cups;"])
def test_a_rollback_without_the_label_may_not_lose_anything(third, database, back):
    """Refused even with a yes, and nothing is undone."""
    line = third(back)
    with pytest.raises(Refused, match="no '-- lossy:' in it says so"):
        runner.rollback(line, database)
    assert execute(database, "SELECT handle FROM cups") == [[("x",), ("y",)]]
    assert runner.status(line, database).settled


def test_a_lossy_rollback_asks_and_keeps_whatever_is_counted(third, database):
    """Its author knew of something that no count shows."""
    line = third("-- lossy: the meaning of it all\nSELECT 1;")
    with pytest.raises(Unconfirmed, match="by its own words the meaning of it all"):
        runner.rollback(line, database, confirm=lambda *_: False)
    said = []
    assert len(runner.rollback(line, database, say=said.append).snapshots) == 1
    assert "0003.fill-cups: lossy: the meaning of it all" in said


def test_what_comes_while_a_person_thinks_is_not_destroyed(third, database):
    """Yes was said to less."""
    line = third("-- lossy: cups\nDELETE FROM cups;")

    def meanwhile(*_):
        execute(database, "INSERT INTO cups (name) VALUES ('c')")
        return True

    with pytest.raises(Refused, match="changed while you were asked"):
        runner.rollback(line, database, confirm=meanwhile)
    assert execute(database, "SELECT count(*) FROM cups") == [[(3,)]]


def test_what_goes_while_a_person_thinks_is_no_matter(third, database):
    """Yes was said to more."""
    line = third("-- lossy: cups\nDELETE FROM cups;")
    runner.rollback(
        line, database, confirm=lambda *_: execute(database, "DELETE FROM cups WHERE id = 1")
    )
    assert runner.status(line, database).pending == ("0003.fill-cups",)
