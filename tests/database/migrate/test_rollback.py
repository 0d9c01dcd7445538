"""Postgres: what a rollback destroys is counted, archived and confirmed; promises and locks."""

import threading
import time

import psycopg
import pytest

from apps import archive
from apps.migrate import runner
from apps.migrate.errors import Loss, Unconfirmed
from apps.migrate.ledger import Patience
from apps.migrate.lines import line
from schemas.errors import Refused


def query(database, sql):
    """What the plain driver reads."""
    with psycopg.connect(database) as connection:
        return connection.execute(sql).fetchall()


def execute(database, sql):
    """Do it at once."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(sql)


@pytest.fixture
def full(tiny, database):
    """Three cups, two of them with a handle, and saucers that go with their cup."""
    (tiny.folder / "0003.create-saucers.sql").write_text(
        "-- ensure: SELECT to_regclass('public.saucers') IS NOT NULL\n"
        "CREATE TABLE public.saucers (cup integer REFERENCES public.cups ON DELETE CASCADE,"
        " washed date NOT NULL) PARTITION BY RANGE (washed);\n"
        "CREATE TABLE public.saucers_default PARTITION OF public.saucers DEFAULT;"
    )
    (tiny.folder / "0003.create-saucers.rollback.sql").write_text(
        "-- lossy: cups without a handle\nDELETE FROM public.cups WHERE handle IS NULL;\n"
        "DROP TABLE public.saucers;"
    )
    runner.apply(tiny, database)
    execute(database, "INSERT INTO public.cups VALUES (1, 'x'), (2, 'y'), (3, NULL)")
    execute(database, "INSERT INTO public.saucers VALUES (1, '2026-01-01'), (3, '2026-02-01')")
    return database


def test_rows_and_values_are_counted(tiny, full):
    """A partitioned table once, whatever its partitions; a column by what is not null."""
    cups, saucers = "public.cups", "public.saucers"
    assert runner.rollback(tiny, full).losses == (Loss(cups, None, 1), Loss(saucers, None, 2))
    assert runner.rollback(tiny, full).losses == (Loss(cups, "handle", 2),)
    assert runner.rollback(tiny, full).losses == (Loss(cups, None, 2),)


def test_rows_that_go_by_cascade_are_counted(tiny, full):
    """The rollback names one table; the other loses rows as well."""
    (tiny.folder / "0004.fill-cups.sql").write_text("-- ensure: SELECT true\nSELECT 1;")
    (tiny.folder / "0004.fill-cups.rollback.sql").write_text(
        "-- lossy: all\nDELETE FROM public.cups;"
    )
    runner.apply(tiny, full)

    losses = runner.rollback(tiny, full).losses
    assert losses == (Loss("public.cups", None, 3), Loss("public.saucers", None, 2))


def test_nothing_is_lost_without_a_yes(tiny, full):
    """The rehearsal leaves no trace, and says what it found."""
    with pytest.raises(Unconfirmed, match=r"destroys 1 row of public\.cups; 2 rows of"):
        runner.rollback(tiny, full, confirm=lambda *_: False)

    assert runner.status(tiny, full).settled
    assert query(full, "SELECT count(*) FROM public.saucers") == [(2,)]


def test_what_is_destroyed_can_be_put_back(tiny, full, tmp_path):
    """Each table as an archive with a manifest, read back into a new table."""
    kept = runner.rollback(tiny, full, keep=tmp_path / "kept").snapshots
    names = [path.name.split(".before")[0] for path in kept]
    assert names == ["public.cups", "public.cups", "public.saucers", "public.saucers"]

    (name,) = (path.stem for path in kept if path.match("public.saucers*.json"))
    execute(full, "CREATE TABLE public.again (cup integer, washed date)")
    with psycopg.connect(full) as connection:
        assert archive.restore(connection, tmp_path / "kept", name, "public.again") == 2
    assert query(full, "SELECT cup FROM public.again ORDER BY 1") == [(1,), (3,)]


def test_an_archive_that_fails_stops_the_rollback(tiny, full, tmp_path):
    """Nothing is destroyed that was not kept."""
    place = tmp_path / "kept"
    place.write_text("a file is in the way")
    with pytest.raises(Refused, match="kept: File exists"):
        runner.rollback(tiny, full, keep=place)

    assert query(full, "SELECT count(*) FROM public.saucers") == [(2,)]
    assert runner.status(tiny, full).settled


@pytest.mark.parametrize("said", ["SELECT false", "SELECT 1", "SELECT true WHERE false"])
def test_a_promise_that_is_not_kept_undoes_everything(tiny, database, said):
    """One row with one true value: an integer is not true here."""
    (tiny.folder / "0002.add-handle.sql").write_text(
        f"-- ensure: {said}\nALTER TABLE public.cups ADD COLUMN handle text;"
    )
    with pytest.raises(Refused, match=r"0002\.add-handle: did not do what it promises"):
        runner.apply(tiny, database)

    columns = "SELECT attname FROM pg_attribute WHERE attrelid = 'public.cups'::regclass"
    assert query(database, f"{columns} AND attnum > 0") == [("id",)]
    assert runner.status(tiny, database).pending == ("0002.add-handle",)


def test_an_error_names_its_line(tiny, database):
    """Where the server knows it."""
    (tiny.folder / "0002.add-handle.sql").write_text(
        "-- ensure: SELECT true\nSELECT 1;\nSELECT 2;\nSELECT ä, oops FROM public.cups;"
    )
    with pytest.raises(Refused, match=r'migration 0002\.add-handle line 4: column "ä"'):
        runner.apply(tiny, database)


def test_a_reader_in_the_way_is_waited_for(tiny, full):
    """Tried again, with a word to whoever watches; meanwhile other readers are let through."""
    runner.rollback(tiny, full, to="0001")
    reader = psycopg.connect(full)
    reader.execute("SELECT id FROM public.cups")
    threading.Timer(0.8, reader.close).start()
    said = []
    done = runner.apply(tiny, full, Patience(lock=0.1, tries=8), say=said.append)

    assert done.ran == ("0002.add-handle", "0003.create-saucers")
    assert any("something is in the way" in each for each in said)


def test_a_statement_that_does_not_end_is_stopped(tiny, database):
    """By the server."""
    (tiny.folder / "0002.add-handle.sql").write_text("-- ensure: SELECT true\nSELECT pg_sleep(60);")
    begun = time.monotonic()
    with pytest.raises(Refused, match="statement timeout"):
        runner.apply(tiny, database, Patience(statement=0.3))
    assert time.monotonic() - begun < 5


def test_a_role_that_a_migration_takes_ends_with_it(tiny, database):
    """The ledger is written by its owner."""
    (tiny.folder / "0002.add-handle.sql").write_text(
        "-- ensure: SELECT true\nSET ROLE NONE;\nSET LOCAL statement_timeout = 0;"
    )
    assert runner.apply(tiny, database).ran == tiny.migrations()


def test_all_of_governance_goes_in_one_transaction(governance_database, tmp_path):
    """AGE 1.5 errs at the end of that COMMIT, when all is done: it is not taken for a failure."""
    governance = line("governance")
    with psycopg.connect(governance_database.owner) as connection:
        connection.execute("INSERT INTO core.identities (agent_id) VALUES ('lumen')")
    done = runner.rollback(governance, governance_database.owner, to="0000", keep=tmp_path)

    assert done.undone == tuple(reversed(governance.migrations()))
    assert any(loss.table == "core.identities" for loss in done.losses)
    assert any(kept.name.startswith("core.identities.") for kept in done.snapshots)
    assert not runner.status(governance, governance_database.owner).applied
    assert runner.apply(governance, governance_database.owner).ran
