"""One lone unsigned whisper: nothing that can be read says whose, be it a column of Postgres."""

import psycopg
import pytest

from apps.soulfra.rebuild import rebuild
from schemas.soulfra import commands as c
from tests.database.soulfra.conftest import writing
from tests.database.soulfra.privacy.conftest import ADA, EVE
from tests.database.soulfra.privacy.test_unsigned import READABLE, person

SYSTEM = ("xmin", "xmax", "cmin", "cmax", "ctid", "tableoid")
NAMED = {"ada": {str(ADA), "a-ada", f"user:{ADA}", "agent:a-ada"},
         "eve": {str(EVE), "a-eve", f"user:{EVE}", "agent:a-eve"}}  # fmt: skip
LOOP = {"hail", "loop:hail"}
GUESSED = """
SELECT a.agent_id
  FROM log.events AS one
  JOIN log.events AS next ON next.stream = one.stream AND next.version = 3
 CROSS JOIN soulfra.agents AS a
 WHERE one.stream = 'loop:hail' AND one.version = 1
   AND next.sha256 = log.digest(
       log.digest(one.sha256, one.stream, 2, 'loop_owned', 1, one.recorded_at,
                  jsonb_build_object('creator_id', a.owner_id, 'agent_id', a.agent_id,
                                     'pii', '{}'::jsonb,
                                     'loop_created_at', one.data -> 'created_at'),
                  one.metadata),
       next.stream, next.version, next.type, next.schema_version, next.recorded_at, next.data,
       next.metadata)
"""
"""Both hashes are of what is known but for the agent: each is tried."""


def asks(database, who):
    """A report, or another person."""
    return psycopg.connect(database.reader) if who == "report" else person(database, EVE)


def leaves(value):
    """All that a value says, as text."""
    if isinstance(value, dict):
        return {leaf for part in value.values() for leaf in leaves(part)}
    if isinstance(value, list | tuple):
        return {leaf for part in value for leaf in leaves(part)}
    return {str(value)}


def rows(conn):
    """Of each table the rows in the order that Postgres has them, with all that may be asked."""
    found = {}
    for table, columns in conn.execute(READABLE).fetchall():
        asked = [columns]
        for column in SYSTEM:
            try:
                with conn.transaction():
                    conn.execute(f"SELECT {column} FROM {table}")
            except psycopg.errors.InsufficientPrivilege:
                continue
            asked.append(f"{column}::text")
        found[table] = [leaves(row) for row in
                        conn.execute(f"SELECT {', '.join(asked)} FROM {table}")]  # fmt: skip
    return found


@pytest.fixture
def two(run, soulfra_database):
    """Two people with an agent each, of whom nothing else is known."""

    async def play():
        async with writing(soulfra_database) as writer:
            for user, name in ((ADA, "ada"), (EVE, "eve")):
                await writer.give(
                    c.RegisterUser(user_id=user, username=name, email=f"{name}@x.org")
                )
                await writer.give(
                    c.RegisterAgent(agent_id=f"a-{name}", user_id=user, archetype="x")
                )

    run(play())
    return soulfra_database


def whisper(run, database, *more):
    """Ada's, and whatever comes after it."""

    async def play():
        async with writing(database) as writer:
            body = c.Whisper(loop_id="hail", agent_id="a-ada", text="it hails", unsigned=True)
            for each in (body, *more):
                await writer.give(each)

    run(play())


@pytest.mark.parametrize("replayed", [False, True])
@pytest.mark.parametrize("who", ["report", "another"])
def test_no_value_ties_it_to_its_person(run, two, who, replayed):
    """None of the loop's is in a row of hers and in no row of another; be it a system column's."""
    whisper(run, two)
    if replayed:
        with psycopg.connect(two.owner, autocommit=True, options="-c timezone=UTC") as owner:
            assert rebuild(owner).differing == ()
    with asks(two, who) as conn:
        tables = rows(conn)
    every = [(table, row) for table, found in tables.items() for row in found]
    hers = [(table, row) for table, row in every if row & NAMED["ada"]]
    others = set().union(*(row for _, row in every if row & NAMED["eve"]))
    of_loop = set().union(*(row for _, row in every if row & LOOP))

    assert of_loop & LOOP
    assert not of_loop & NAMED["ada"]
    assert [(table, row & of_loop - others) for table, row in hers if row & of_loop - others] == []


@pytest.mark.parametrize("who", ["report", "another"])
def test_whoever_looks_before_and_after_sees_nobody_move(run, two, who):
    """Rows that name somebody stay as they are, and where they are."""
    with asks(two, who) as conn:
        before = rows(conn)
    whisper(run, two)
    with asks(two, who) as conn:
        after = rows(conn)

    def named(tables):
        known = NAMED["ada"] | NAMED["eve"]
        return {table: [row for row in found if row & known] for table, found in tables.items()}

    assert named(after) == named(before)


def test_no_chain_of_hashes_tells_who_was_guessed_right(run, two):
    """The hash of a later event is over the one that says whose it is."""
    whisper(run, two, c.ShiftLoopTone(loop_id="hail", tone="joy"))
    with psycopg.connect(two.admin) as conn:
        assert conn.execute(GUESSED).fetchall() == [("a-ada",)]
    with (
        psycopg.connect(two.reader) as conn,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        conn.execute(GUESSED)


def test_no_version_counts_what_is_not_shown(run, two):
    """Of two who were forgotten one whispered unsigned: their last events say the same."""
    whisper(run, two, c.ForgetUser(user_id=ADA), c.ForgetUser(user_id=EVE))
    asked = "SELECT {} FROM log.events WHERE type = 'user_forgotten' ORDER BY stream"
    with psycopg.connect(two.admin) as conn:
        assert conn.execute(asked.format("version")).fetchall() == [(4,), (3,)]
    with psycopg.connect(two.reader) as conn:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute(asked.format("version"))
        conn.rollback()
        assert len(conn.execute(asked.format("position")).fetchall()) == 2
