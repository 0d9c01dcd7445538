"""A new column that refers to another table, and others that refer to the one that goes."""

import threading
import time

import psycopg
import pytest

from apps.migrate import postgres, runner
from apps.migrate.evolve import refer
from apps.migrate.evolve.run import run, undo
from schemas.errors import Refused
from tests.database.evolve.conftest import asked
from tests.database.evolve.halls import MOOD, raised
from tests.database.evolve.load import loaded

GUILD = """
says = "A loop is of a guild."
table = "soulfra.loops"
migration = "0002.add-loops-guild"
grace_hours = 0

[column]
name = "guild_id"
type = "bigint"

[fill]
value = "1 + length(loop_id) % 7"

[references]
table = "soulfra.guilds"
column = "id"
on_delete = "set null"
"""
HELD = """
SELECT c.relname, l.mode FROM pg_locks AS l JOIN pg_class AS c ON c.oid = l.relation
 WHERE l.granted AND c.relname ~ '^(loops|guilds)' AND l.pid <> pg_backend_pid()
   AND l.mode NOT IN ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock')
"""


@pytest.fixture
def name(evolution):
    """Declared, with its migration."""
    return evolution("loops-guild", GUILD)


def test_partitions_are_looked_at_one_by_one_while_others_write(tiny, made, name, drift):
    """Nobody fails or waits long; in the end it is the constraint that the migration makes."""
    run(tiny, made.owner, name, to="fill")
    with loaded(made.app) as load:
        load.step = "constrain"
        run(tiny, made.owner, name)
        load.step = "after"
        time.sleep(0.1)
    assert load.failed == []
    assert load.longest["constrain"] < 0.5
    assert drift(made) == []
    with psycopg.connect(made.app) as app, pytest.raises(psycopg.errors.ForeignKeyViolation):
        app.execute("UPDATE soulfra.loops SET guild_id = -1 WHERE loop_id = 'l1'")
    for step in ("switch", "drop"):
        run(tiny, made.owner, name, to=step)
        assert drift(made) == []
    assert runner.status(tiny, made.owner).settled


def test_to_look_at_rows_holds_nobody_who_writes(tiny, made, name, monkeypatch):
    """While it looks it has SHARE UPDATE EXCLUSIVE of the part, and less of the other."""
    run(tiny, made.owner, name, to="fill")
    seen, real = [], postgres.Postgres.ask

    def held(self, statement, values=None):
        done = real(self, statement, values)
        if "VALIDATE" in statement:
            seen.extend(asked(made.admin, HELD))
            with psycopg.connect(made.app, options="-c lock_timeout=100") as app:
                app.execute("UPDATE soulfra.loops SET whisper = 'so'")
                app.execute("UPDATE soulfra.guilds SET name = name WHERE id = 5")
                app.execute("DELETE FROM soulfra.guilds WHERE id = 999")
                app.rollback()
        return done

    monkeypatch.setattr(postgres.Postgres, "ask", held)
    run(tiny, made.owner, name)
    assert {mode for _, mode in seen} == {"ShareUpdateExclusiveLock"}
    assert not any(table.startswith("guilds") for table, _ in seen)


def test_a_month_that_comes_meanwhile_refers_as_well(tiny, made, name, monkeypatch, drift):
    """It is looked at before the whole is."""
    run(tiny, made.owner, name, to="fill")
    real, came = refer._validate, threading.Event()

    def slow(work, place):
        real(work, place)
        if not came.is_set():
            came.set()
            with psycopg.connect(made.owner, autocommit=True) as db:
                db.execute(
                    "CREATE TABLE soulfra.loops_2027_01 PARTITION OF soulfra.loops FOR VALUES"
                    " FROM ('2027-01-01 00:00:00+00') TO ('2027-02-01 00:00:00+00')"
                )

    monkeypatch.setattr(refer, "_validate", slow)
    run(tiny, made.owner, name, to="switch")
    parts = "SELECT count(*) FROM pg_constraint WHERE conname = 'loops_guild_id_fkey'"
    assert asked(made.owner, parts) == [(5,)]
    assert not [each for each in drift(made) if "fkey" in each]


def test_rows_that_refer_to_nothing(tiny, made, evolution):
    """Are named with a way to find them; the whole goes back without a trace."""
    name = evolution("loops-guild", GUILD.replace("1 + length(loop_id) % 7", "-5"))
    with pytest.raises(Refused, match=r"loops_2026_10 refer to nothing: Key \(guild_id\)=\(-5\)"):
        run(tiny, made.owner, name)
    undo(tiny, made.owner, name)
    left = "SELECT count(*) FROM pg_constraint WHERE conname LIKE '%guild_id%'"
    assert asked(made.owner, left) == [(0,)]


def test_to_a_table_in_parts(tiny, made, evolution, drift):
    """By the key of the whole; on a table without parts of its own."""
    text = GUILD.replace("loops", "guilds").replace('"guild_id"', '"agent_id"')
    text = text.replace("bigint", "text").replace(
        '"soulfra.guilds"\ncolumn', '"soulfra.agents"\ncolumn'
    )
    text = text.replace("1 + length(loop_id) % 7", "'a' || id").replace('"id"', '"agent_id"')
    name = evolution("guilds-agent", text)
    for step in ("constrain", "switch", "drop"):
        run(tiny, made.owner, name, to=step)
        assert drift(made) == []


@pytest.mark.parametrize(
    ("was", "now", "said"),
    [
        ('"id"', '"ids"', "references: soulfra.guilds has no 'ids'"),
        ('"id"', '"name"', r"soulfra.guilds.name is not unique\n  hint: refer to its key"),
    ],
)
def test_what_cannot_be_referred_to(tiny, made, evolution, was, now, said):  # noqa: PLR0917
    """Is told before a row is filled."""
    name = evolution("loops-guild", GUILD.replace(was, now))
    with pytest.raises(Refused, match=said):
        run(tiny, made.owner, name, to="add")


def test_what_refers_to_the_column_that_goes_is_in_the_way(tiny, made, evolution):
    """Up front, by name of the key and of its table."""
    raised(tiny, made)
    with psycopg.connect(made.owner, autocommit=True) as db:
        db.execute(
            "ALTER TABLE soulfra.halls ADD UNIQUE (tone);"
            "CREATE TABLE soulfra.songs (tone text CONSTRAINT sung REFERENCES soulfra.halls (tone))"
        )
    name = evolution("halls-mood", MOOD)
    with pytest.raises(
        Refused,
        match=r"halls\.tone is referred to by sung of soulfra\.songs\n  hint: have those tables",
    ):
        run(tiny, made.owner, name, to="add")
