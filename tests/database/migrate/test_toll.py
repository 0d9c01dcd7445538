"""Postgres: what a rollback destroys is noticed, however it does it; the transaction is ours."""

import os

import psycopg
import pytest
from psycopg import conninfo

from apps.migrate import runner
from apps.migrate.errors import Locked, Loss, Unconfirmed
from apps.migrate.ledger import Patience
from apps.migrate.lines import Line
from schemas.errors import Diverged, Refused

CUPS = "SELECT id, handle FROM public.cups ORDER BY id"
ROWS = [(1, "x"), (2, "y")]
HARMLESS = [
    "UPDATE public.cups SET handle = handle;",
    "ALTER TABLE public.cups RENAME COLUMN handle TO grip;",
    "ALTER TABLE public.cups RENAME TO mugs;",
    "ALTER TABLE public.cups ALTER handle TYPE varchar;",
    "CREATE TABLE public.made (id integer); INSERT INTO public.made VALUES (1);",
]
CHANGING = [
    "UPDATE public.cups SET handle = NULL WHERE id = 2;",
    "ALTER TABLE public.cups ALTER handle TYPE text USING left(handle, 0);",
    "ALTER TABLE public.cups DROP handle; ALTER TABLE public.cups ADD handle text;",
]


def execute(database, sql):
    """Do it at once."""
    with psycopg.connect(database, autocommit=True) as connection:
        cursor = connection.execute(sql)
        return cursor.fetchall() if cursor.description else None


@pytest.fixture
def third(tiny, database):
    """Apply a third migration whose rollback is the given text; two cups with handles."""

    def made(back):
        (tiny.folder / "0003.fill-cups.sql").write_text("-- ensure: SELECT true\nSELECT 1;")
        (tiny.folder / "0003.fill-cups.rollback.sql").write_text(back)
        runner.apply(tiny, database)
        execute(database, "INSERT INTO public.cups VALUES (1, 'x'), (2, 'y')")
        return tiny

    return made


@pytest.mark.parametrize("back", HARMLESS)
def test_a_rollback_that_loses_nothing_needs_no_word(third, database, back):
    """A new name, a new type, a new table: the same rows."""
    done = runner.rollback(third(back), database, confirm=lambda *_: pytest.fail("asked"))
    assert (done.losses, done.snapshots) == ((), ())


@pytest.mark.parametrize("back", CHANGING)
def test_values_that_change_are_a_loss_and_are_kept(third, database, tmp_path, back):
    """Asked about, and archived; without the label refused."""
    line = third(f"-- lossy: handles\n{back}")
    with pytest.raises(Unconfirmed, match=r"destroys values in up to 2 rows of public\.cups"):
        runner.rollback(line, database, confirm=lambda *_: False)
    assert execute(database, CUPS) == ROWS
    done = runner.rollback(line, database, keep=tmp_path / "kept")
    assert done.losses == (Loss("public.cups", "*", 2),)
    assert {path.suffix for path in done.snapshots} >= {".json"}


@pytest.mark.parametrize("back", [*CHANGING, "DELETE FROM public.cups WHERE id = 1;"])
def test_a_rollback_without_the_label_may_not_lose_anything(third, database, back):
    """Refused even with a yes."""
    line = third(back)
    with pytest.raises(Refused, match="no '-- lossy:' in it says so"):
        runner.rollback(line, database)
    assert execute(database, CUPS) == ROWS


@pytest.mark.parametrize(
    "more", ["INSERT INTO public.cups VALUES (3)", "INSERT INTO public.saucers VALUES (1)"]
)
def test_what_comes_while_a_person_thinks_is_not_destroyed(third, database, more):
    """Nor in a table that was empty when they were asked."""
    execute(database, "CREATE SCHEMA IF NOT EXISTS extra")
    line = third("-- lossy: cups\nDROP TABLE public.saucers; DELETE FROM public.cups;")
    execute(database, "CREATE TABLE public.saucers (cup integer)")

    def meanwhile(*_):
        execute(database, more)
        return True

    with pytest.raises(Refused, match="changed while you were asked"):
        runner.rollback(line, database, confirm=meanwhile)
    assert execute(database, CUPS)[:2] == ROWS


@pytest.mark.parametrize("word", ["END", "COMMIT; BEGIN", "ROLLBACK; BEGIN"])
def test_a_file_that_ends_the_transaction_is_noticed(tiny, database, monkeypatch, word):
    """Even if nobody had read it: it stops loudly, and is not marked as applied."""
    runner.apply(tiny, database)
    monkeypatch.setattr(Line, "check", lambda _: None)
    (tiny.folder / "0003.fill-cups.sql").write_text(f"-- ensure: SELECT true\n{word};")
    (tiny.folder / "0003.fill-cups.rollback.sql").write_text("SELECT 1;")
    with pytest.raises(Diverged, match="fill-cups: ended the runner's transaction"):
        runner.apply(tiny, database)
    assert runner.status(tiny, database).pending == ("0003.fill-cups",)


def test_a_yoyo_of_another_role_is_left_in_peace(tiny, database, admin_dsn):
    """Whoever's session it is, its lock is not taken from it."""
    runner.apply(tiny, database)
    name = conninfo.conninfo_to_dict(database)["dbname"]
    with psycopg.connect(conninfo.make_conninfo(admin_dsn, dbname=name), autocommit=True) as other:
        other.execute(
            "INSERT INTO ledger.yoyo_lock (locked, ctime, pid) VALUES (1, now(), %s)",
            (os.getpid(),),
        )
        with pytest.raises(Locked, match="a plain yoyo holds its lock"):
            runner.apply(tiny, database, Patience(runner=0.2), again=True)
    assert runner.apply(tiny, database, again=True).ran == ()
