"""Where one migration ends and the next begins: both travel in one message, each fails alone."""

import shutil

import psycopg
import pytest

from apps.migrate import runner
from apps.migrate.ledger import Patience
from apps.migrate.lines import Line, line
from schemas.errors import Refused

ORPHAN = (
    "-- ensure: SELECT true\n"
    "CREATE TABLE public.lids (cup integer REFERENCES public.cups DEFERRABLE INITIALLY DEFERRED);\n"
    "INSERT INTO public.lids (cup) VALUES (9);"
)
FINE = "-- ensure: SELECT true\nCREATE TABLE public.{} (id integer);"


def write(line, name, text):
    """A migration with a rollback that nobody runs."""
    (line.folder / f"{name}.sql").write_text(text)
    (line.folder / f"{name}.rollback.sql").write_text("SELECT 1;")


def there(database, *tables):
    """Which of them are."""
    with psycopg.connect(database) as connection:
        found = connection.execute(
            "SELECT to_regclass('public.' || t)::text FROM unnest(%s::text[]) t", [list(tables)]
        )
        return [name for (name,) in found]


@pytest.mark.parametrize("last", [True, False])
def test_a_commit_that_fails_is_of_its_own_migration(tiny, database, last):
    """Whatever was sent with it: the next one did not run, the one before stays."""
    write(tiny, "0003.create-lids", ORPHAN)
    if not last:
        write(tiny, "0004.create-spoons", FINE.format("spoons"))

    with pytest.raises(Refused, match=r"migration 0003\.create-lids: .*violates foreign key"):
        runner.apply(tiny, database)

    assert there(database, "cups", "lids", "spoons") == ["cups", None, None]
    assert runner.status(tiny, database).pending[0] == "0003.create-lids"
    write(tiny, "0003.create-lids", FINE.format("lids"))
    ran = runner.apply(tiny, database).ran
    assert ran == ("0003.create-lids",) if last else ("0003.create-lids", "0004.create-spoons")


def test_a_failure_leaves_what_ended_with_its_message(tiny, database):
    """The end of the second was sent with the third, and was made."""
    write(tiny, "0003.create-spoons", "-- ensure: SELECT true\nSELECT 1;\nSELECT nothing;")

    with pytest.raises(Refused, match=r"0003\.create-spoons line 3: .*nothing"):
        runner.apply(tiny, database)

    assert runner.status(tiny, database).pending == ("0003.create-spoons",)


def test_a_file_that_cannot_be_read_leaves_what_was_before(tiny, database, monkeypatch):
    """The end of the one before is still unsent then."""
    write(tiny, "0003.create-spoons", FINE.format("spoons"))
    read = type(tiny).sql

    def fail(line, migration_id, **how):
        if migration_id == "0003.create-spoons" and fail.armed:
            raise Refused("0003.create-spoons: gone")
        return read(line, migration_id, **how)

    fail.armed = False
    monkeypatch.setattr(type(tiny), "sql", fail)

    def said(text):
        fail.armed = text == "applying 0003.create-spoons"

    with pytest.raises(Refused, match="gone"):
        runner.apply(tiny, database, say=said)
    monkeypatch.undo()
    assert runner.status(tiny, database).pending == ("0003.create-spoons",)


def test_what_is_in_the_way_is_waited_for_in_one_that_follows(tiny, database):
    """The next one is tried again; the one whose end went with it is applied once."""
    runner.apply(tiny, database)
    write(tiny, "0003.create-spoons", FINE.format("spoons"))
    write(
        tiny, "0004.add-size", "-- ensure: SELECT true\nALTER TABLE public.cups ADD size integer;"
    )
    said = []
    with psycopg.connect(database) as reader:
        reader.execute("SELECT id FROM public.cups")

        def let_go(text):
            said.append(text)
            if "in the way" in text:
                reader.rollback()

        done = runner.apply(tiny, database, Patience(lock=0.2, tries=3), say=let_go)

    assert done.ran == ("0003.create-spoons", "0004.add-size")
    assert any("0004.add-size: something is in the way" in text for text in said)


def test_an_end_that_was_made_though_the_server_complained_is_no_failure(
    governance_database, tmp_path
):
    """AGE 1.5 does so after a graph is dropped among much else; what came with it still runs."""
    folder = tmp_path / "governance"
    shutil.copytree(line("governance").folder, folder, ignore=shutil.ignore_patterns("post-*"))
    more = Line("governance", "postgres", folder)
    undo = [more.sql(name, back=True) for name in reversed(more.migrations())]
    n = len(undo) + 1
    write(more, f"{n:04}.drop-all", "-- ensure: SELECT true\n" + "\n".join(undo))
    write(more, f"{n + 1:04}.create-spoons", FINE.format("spoons"))

    done = runner.apply(more, governance_database.owner)

    assert done.ran == (f"{n:04}.drop-all", f"{n + 1:04}.create-spoons")
    assert there(governance_database.owner, "spoons") == ["spoons"]
    assert runner.status(more, governance_database.owner).settled
