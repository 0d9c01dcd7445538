"""SQLite: a migration proves that it worked, waits its turn and ends in time."""

import sqlite3
import threading
import time
from contextlib import closing

import pytest

from apps.migrate import runner
from apps.migrate.errors import Locked
from apps.migrate.ledger import Patience
from apps.migrate.lines import Line
from apps.migrate.sqlite import statements
from schemas.errors import Refused


def broken(tiny, query):
    """The same line with another promise."""
    file = tiny.folder / "0002.add-handle.sql"
    file.write_text(f"-- ensure: {query}\nALTER TABLE cups ADD COLUMN handle TEXT;")


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 0",
        "SELECT NULL",
        "SELECT 1 WHERE false",
        "SELECT 1 UNION ALL SELECT 1",
        "SELECT 1, 1",
        "SELECT count(*) FROM pragma_table_info('cups') WHERE name = 'lid'",
    ],
)
def test_a_promise_that_is_not_kept_undoes_everything(tiny, database, query):
    """Anything but one row with one true value."""
    broken(tiny, query)
    with pytest.raises(Refused, match=r"migration 0002\.add-handle: did not do what it promises"):
        runner.apply(tiny, database)

    plan = runner.status(tiny, database)
    assert plan.pending == ("0002.add-handle",)
    with closing(sqlite3.connect(database)) as connection:
        columns = connection.execute("SELECT name FROM pragma_table_info('cups')").fetchall()
    assert columns == [("id",), ("name",)]


def test_a_promise_that_cannot_be_asked_is_refused(tiny, database):
    """In SQLite's words."""
    broken(tiny, "SELECT 1 FROM nowhere")
    with pytest.raises(Refused, match=r"0002\.add-handle: no such table: nowhere"):
        runner.apply(tiny, database)


def test_every_promise_counts(tiny, database):
    """The second one too."""
    broken(tiny, "SELECT 1\n-- ensure: SELECT 0")
    with pytest.raises(Refused, match="promises: SELECT 0"):
        runner.apply(tiny, database)


def test_a_migration_without_a_promise_is_refused(tiny, database):
    """Only files older than the law may do without."""
    file = tiny.folder / "0001.create-cups.sql"
    file.write_text("CREATE TABLE cups (id INTEGER);")
    with pytest.raises(Refused, match=r"0001\.create-cups\.sql: has no '-- ensure:'"):
        runner.apply(tiny, database)

    assert not list(Line("anima", "sqlite", tiny.folder).problems())


def test_a_writer_in_the_way_is_waited_for(tiny, database):
    """Tried again, with a word to whoever watches."""
    runner.apply(tiny, database)
    runner.rollback(tiny, database)
    holder = sqlite3.connect(database, isolation_level=None, check_same_thread=False)
    said = []

    def say(what):
        said.append(what)
        if what == "applying 0002.add-handle":
            holder.execute("BEGIN IMMEDIATE")
            threading.Timer(0.4, lambda: holder.execute("ROLLBACK")).start()

    done = runner.apply(tiny, database, Patience(lock=0.1, tries=8), say=say)
    holder.close()

    assert done.ran == ("0002.add-handle",)
    assert any("something is in the way" in each for each in said)


def test_a_writer_that_stays_is_not_waited_for_without_end(tiny, database):
    """Locked, which has an exit code of its own."""
    runner.apply(tiny, database)
    runner.rollback(tiny, database)
    with closing(sqlite3.connect(database, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(Locked, match="database is locked"):
            runner.apply(tiny, database, Patience(runner=0.2, lock=0.05, tries=2))
    assert runner.apply(tiny, database).ran == ("0002.add-handle",)


def test_a_statement_that_does_not_end_is_stopped(tiny, database):
    """With the name of its migration, and nothing of it left."""
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n)"
    (tiny.folder / "0002.add-handle.sql").write_text(
        f"-- ensure: SELECT 1\n{endless} SELECT max(x) FROM n;"
    )
    begun = time.monotonic()
    with pytest.raises(Refused, match=r"0002\.add-handle line 2: not done within 0\.2 s"):
        runner.apply(tiny, database, Patience(statement=0.2))
    assert time.monotonic() - begun < 5


def test_statements_are_told_apart():
    """By SQLite itself: triggers, strings and comments hold semicolons of their own."""
    text = (
        "-- one; two\nCREATE TABLE a (b TEXT DEFAULT 'x;y');\n\n-- three\n"
        "CREATE TRIGGER t AFTER INSERT ON a BEGIN DELETE FROM a; SELECT 1; END; SELECT 2\n"
    )
    found = list(statements(text))
    assert [line for line, _ in found] == [2, 5, 5]
    assert "".join(each for _, each in found) == text.rstrip("\n") + "\n"
