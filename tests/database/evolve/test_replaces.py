"""A column that takes another's place: both are right for both until the old one goes."""

import psycopg
import pytest

from apps.migrate import runner
from apps.migrate.errors import Locked
from apps.migrate.evolve.run import run, undo
from schemas.errors import Refused
from tests.database.evolve.conftest import RENAME, asked

RENAME = RENAME.replace("0003.add", "0002.add").replace("0004.drop", "0003.drop")
ONE = "SELECT house, banner FROM soulfra.guilds WHERE id = %s"


@pytest.fixture
def name(evolution):
    """Declared, with both its migrations."""
    return evolution("guilds-banner", RENAME)


def test_old_and_new_writers_are_both_right(tiny, made, name):
    """Whichever column they know, before the rows are filled and after."""
    run(tiny, made.owner, name, to="add")
    with psycopg.connect(made.app, autocommit=True) as app:
        app.execute("INSERT INTO soulfra.guilds VALUES (5001, 'old', 'oak')")
        app.execute("INSERT INTO soulfra.guilds (id, name, banner) VALUES (5002, 'new', 'ELM')")
        app.execute("UPDATE soulfra.guilds SET house = 'ash' WHERE id = 1")
        app.execute("UPDATE soulfra.guilds SET banner = 'YEW' WHERE id = 2")
    assert asked(made.app, ONE, 5001) == [("oak", "OAK")]
    assert asked(made.app, ONE, 5002) == [("elm", "ELM")]
    assert asked(made.app, ONE, 1) == [("ash", "ASH")]
    assert asked(made.app, ONE, 2) == [("yew", "YEW")]

    run(tiny, made.owner, name, to="fill")

    # What was null stays null for whoever reads the old one.
    assert asked(made.app, ONE, 3) == [(None, "G3")]
    with psycopg.connect(made.app, autocommit=True) as app:
        app.execute("UPDATE soulfra.guilds SET name = 'g three' WHERE id = 3")
        app.execute("UPDATE soulfra.guilds SET house = 'fir' WHERE id = 4")
    assert asked(made.app, ONE, 3) == [(None, "G THREE")]
    assert asked(made.app, ONE, 4) == [("fir", "FIR")]


def test_the_old_column_goes_when_nobody_needs_it(tiny, made, name, drift, eventually):
    """Readers of before, a view, a function and an index each stand in the way by name."""
    with pytest.raises(Refused, match="is not switched yet"):
        run(tiny, made.owner, name, to="drop")
    run(tiny, made.owner, name, to="switch")
    assert drift(made) == []
    needs = {
        "view": "CREATE VIEW soulfra.houses AS SELECT house FROM soulfra.guilds",
        "function": "CREATE FUNCTION soulfra.of(g bigint) RETURNS text LANGUAGE sql"
        " AS 'SELECT house FROM soulfra.guilds WHERE id = g'",
        "index": "CREATE INDEX by_house ON soulfra.guilds (house)",
    }
    for kind, made_by in needs.items():
        with psycopg.connect(made.owner, autocommit=True) as db:
            db.execute(made_by)
            with pytest.raises(Refused, match=rf"guilds\.house is needed by .*{kind} "):
                run(tiny, made.owner, name, to="drop", past_readers=True)
            what = {"view": "houses", "function": "of", "index": "by_house"}[kind]
            db.execute(f"DROP {kind} soulfra.{what}")
    with (
        psycopg.connect(made.app, application_name="soulfra@0001"),
        pytest.raises(Locked, match=r"may still know the old shape: pid \d+ 'soulfra@0001'"),
    ):
        run(tiny, made.owner, name, to="drop")
    with (
        psycopg.connect(made.app),
        pytest.raises(Locked, match=r"\(no name\).*\n  hint: restart them"),
    ):
        run(tiny, made.owner, name, to="drop")

    sessions = "SELECT count(*) FROM pg_stat_activity WHERE usename LIKE '%_app'"
    assert eventually(lambda: asked(made.admin, sessions) == [(0,)], every=0.05)
    with psycopg.connect(made.app, application_name="soulfra@0002"):
        run(tiny, made.owner, name, to="drop")

    assert drift(made) == []
    assert runner.status(tiny, made.owner).settled
    with pytest.raises(Refused, match="is dropped"):
        undo(tiny, made.owner, name)


def test_grace_is_given(tiny, made, evolution):
    """To whoever has not noticed."""
    name = evolution("guilds-banner", RENAME.replace("grace_hours = 0", "grace_hours = 24"))
    run(tiny, made.owner, name, to="switch")
    with pytest.raises(Refused, match=r"(24\.0|23\.\d) h of 24 h of grace are left"):
        run(tiny, made.owner, name, to="drop")


def test_the_migrations_go_there_and_back(tiny, place, name, drift):
    """What an empty database is given, and what it gives back."""
    assert runner.apply(tiny, place.owner).ran[1:] == (
        "0002.add-guilds-banner",
        "0003.drop-guilds-house",
    )
    assert drift(place) == []
    runner.rollback(tiny, place.owner, to="0001")
    runner.apply(tiny, place.owner)
    assert runner.status(tiny, place.owner).settled


def test_what_the_line_has_before_it_comes_first(tiny, made, name):
    """The switch of one that is not the next is refused; nothing is marked."""
    (tiny.folder / "0002.add-guilds-banner.sql").rename(tiny.folder / "0002.add-guilds-other.sql")
    (tiny.folder / "0002.add-guilds-banner.rollback.sql").rename(
        tiny.folder / "0002.add-guilds-other.rollback.sql"
    )
    with pytest.raises(Refused, match=r"there is no migration 0002\.add-guilds-banner"):
        run(tiny, made.owner, name, to="switch")
    assert runner.status(tiny, made.owner).applied.keys() == {"0001.create-loops"}
