"""What follows from the log is what is replayed from it, at once or at any instant."""

import asyncio

import psycopg
import pytest
from psycopg import sql

from apps.declared.everything import tables
from apps.migrate.catalog import difference, postgres
from apps.soulfra.instant import asked_at
from apps.soulfra.rebuild import SHADOW, rebuild
from schemas.errors import Diverged
from tests.database.soulfra.conftest import caught_up, played, writing
from tests.soulfra.play import Play

TABLES = [table for table in tables("soulfra") if table.table.startswith("soulfra.")]


@pytest.fixture
def owner(soulfra_database):
    """Who may replace tables."""
    with psycopg.connect(
        soulfra_database.owner, autocommit=True, options="-c timezone=UTC"
    ) as conn:
        yield conn


def catalog(database):
    """All that there is, as the drift check reads it."""
    with psycopg.connect(database.admin) as conn:
        return postgres.read(conn)


def content(conn):
    """Every row of every table."""
    return {
        table.table: sorted(
            conn.execute(
                sql.SQL("SELECT r::text FROM (SELECT {} FROM {}) AS r").format(
                    sql.SQL(", ").join(map(sql.Identifier, table.model_fields)),
                    sql.Identifier(*table.table.split(".")),
                )
            ).fetchall()
        )
        for table in TABLES
    }


@pytest.mark.parametrize("chunk", [1, 50, 20_000])
def test_a_replay_is_what_lives(lived, owner, chunk):
    """However it is cut; afterwards all is as it was, catalog and rights included."""
    before, was = content(owner), catalog(lived)
    done = rebuild(owner, chunk=chunk)

    assert done.differing == ()
    assert done.events == owner.execute("SELECT count(*) FROM log.events").fetchone()[0]
    assert content(owner) == before
    assert difference(was, catalog(lived)) == []
    assert all(len(rows) > 0 for rows in before.values())


SPOILT = {
    "soulfra.users": "UPDATE soulfra.users SET emotional_credits = emotional_credits + 1",
    "soulfra.loops": "UPDATE soulfra.loops SET blessed = NOT blessed WHERE fork_depth = 1",
    "soulfra.votes": "DELETE FROM soulfra.votes WHERE approves",
    "soulfra.agents": "UPDATE soulfra.agents SET current_tone = 'anger'",
    "soulfra.prophecies": "UPDATE soulfra.prophecies SET prophecy_text = 'it will snow'",
}


def test_what_is_not_followed_yet_is_no_difference(run, lived, owner):
    """Whoever is behind is held, and goes on after the swap: none twice, none left out."""
    assert rebuild(owner).differing == ()
    counted = "SELECT count(*) FROM soulfra.transformations"
    asked = (
        "SELECT count(*) FROM log.events WHERE type IN"
        " ('tone_shifted', 'loop_forked', 'loop_dissolved', 'blessing_granted')"
    )

    async def play():
        async with writing(lived) as writer:
            await played(writer, Play(12), 60)

    run(play())
    assert owner.execute(counted).fetchone() < owner.execute(asked).fetchone()
    run(caught_up(lived))
    assert owner.execute(counted).fetchone() == owner.execute(asked).fetchone()
    assert rebuild(owner).differing == ()


@pytest.mark.parametrize("table", SPOILT)
def test_what_was_changed_by_hand_is_named_and_mended(lived, owner, table):
    """The log is what is true."""
    before = content(owner)
    owner.execute(SPOILT[table])

    assert rebuild(owner, mend=True).differing == (table,)
    assert content(owner) == before
    assert rebuild(owner).differing == ()


def test_writers_go_on_and_their_numbers_too(run, lived, owner):
    """Commands are given while all is replayed and swapped: none is lost, no number comes twice."""

    async def play():
        async with writing(lived) as writer:
            ended = asyncio.create_task(asyncio.to_thread(rebuild, owner))
            done = []
            play = Play(9)
            while not ended.done():
                more, _ = await played(writer, play, 10)
                done += more
            return await ended, done

    rebuilt, done = run(play())
    last = rebuild(owner)

    assert rebuilt.differing == last.differing == ()
    assert done
    with psycopg.connect(lived.admin) as conn:
        kept = {row[0] for row in conn.execute("SELECT answer ->> 'id' FROM log.commands")}
        for name in ("blessings", "prophecies"):
            (most, following) = conn.execute(
                f"SELECT (SELECT max(id) FROM soulfra.{name}), nextval('soulfra.{name}_id_seq')"
            ).fetchone()
            assert following > (most or 0)
    assert {each.answer.id for each in done} <= kept


def test_an_instant_is_asked_and_leaves_nothing(run, lived, owner):
    """The table as it was then; before the first event it is empty."""
    was = catalog(lived)
    [(then, count)] = owner.execute(
        "SELECT recorded_at, (SELECT count(*) FROM soulfra.loops) FROM log.events"
        " ORDER BY transaction_id DESC LIMIT 1"
    ).fetchall()

    async def play():
        async with writing(lived) as writer:
            await played(writer, Play(10), 50)

    run(play())
    asked = "SELECT count(*) FROM loops"
    now = owner.execute("SELECT count(*) FROM soulfra.loops").fetchone()[0]

    assert asked_at(owner, then, asked) == (["count"], [(count,)])
    assert now > count
    assert asked_at(owner, then.replace(year=2000), asked) == (["count"], [(0,)])
    assert difference(was, catalog(lived)) == []


def test_an_instant_is_whole_while_others_write(lived, owner, run):
    """A transaction that began before, on whatever table, hides nothing from it."""
    asked = "SELECT count(*) FROM loops"

    async def play():
        async with writing(lived) as writer:
            await played(writer, Play(11), 50)

    with psycopg.connect(lived.owner) as other:
        other.execute("CREATE TABLE soulfra.meanwhile (a integer)")
        [(before,)] = owner.execute("SELECT count(*) FROM soulfra.loops").fetchall()
        run(play())
        [(then, count)] = owner.execute(
            "SELECT now(), (SELECT count(*) FROM soulfra.loops)"
        ).fetchall()
        assert count > before
        assert asked_at(owner, then, asked) == (["count"], [(count,)])
        other.rollback()


def test_a_month_that_is_made_meanwhile_is_swapped_too(lived, owner):
    """As on the first of a month, or at a restart."""
    before = content(owner)

    def made(said):
        if said.startswith("building"):
            owner.execute("SELECT soulfra.create_loop_months('2041-05-05+00')")

    done = rebuild(owner, made)
    months = owner.execute(
        "SELECT count(*) FROM pg_catalog.pg_inherits WHERE inhparent = 'soulfra.loops'::regclass"
    ).fetchone()

    assert done.differing == ()
    assert content(owner) == before
    assert months == (14,)


def test_a_long_reader_is_not_waited_for(lived, owner):
    """Nothing is swapped, writers go on, and it can be run again."""
    before = content(owner)
    with psycopg.connect(lived.reader) as reader:
        reader.execute("SELECT count(*) FROM soulfra.loops")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            rebuild(owner)
    owner.execute("SELECT pg_advisory_unlock_all()")
    assert content(owner) == before
    assert rebuild(owner).differing == ()


def test_two_do_not_rebuild_at_once(lived, owner):
    """The second is told."""
    with psycopg.connect(lived.owner, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(hashtext('soulfra_rebuild'))")
        with pytest.raises(Diverged, match="somebody else replays"):
            rebuild(owner)


def test_a_rebuild_that_was_killed_leaves_what_lived(lived, owner):
    """What it began is thrown away by the next."""
    before = content(owner)

    def killed(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rebuild(owner, killed, chunk=50)
    assert content(owner) == before
    owner.execute("SELECT pg_advisory_unlock_all()")
    assert owner.execute("SELECT to_regnamespace(%s) IS NOT NULL", (SHADOW,)).fetchone() == (True,)
    assert rebuild(owner).differing == ()
    assert owner.execute("SELECT to_regnamespace(%s) IS NULL", (SHADOW,)).fetchone() == (True,)
