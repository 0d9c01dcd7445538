"""In a person's name through a pool: the connection forgets whose it was."""

import asyncio

import psycopg
import pytest

from apps.bridge.refusals import Forbidden
from apps.postgres import PostgresSettings, pool
from apps.soulfra.privacy.persons import allowed, in_the_name_of
from schemas.soulfra import commands as c
from schemas.soulfra.server import APP, PERSON
from tests.database.soulfra.privacy.conftest import ADA, EVE

MINE = "SELECT u.id FROM soulfra.users AS u"


def persons(database):
    """A pool of the role that reads in a person's name."""
    url = database.app.replace(f"{APP}:{APP}", f"{PERSON}:{PERSON}")
    return pool(PostgresSettings(url=url, min_conn=1, max_conn=3), "persons")


def test_one_connection_serves_one_after_the_other(run, people):
    """Each sees itself; between them, and after one that failed, nobody is seen."""

    async def play():
        found, pids = [], set()
        async with persons(people) as store:
            for user in (ADA, EVE, None, ADA, None):
                if user is None:
                    async with store.connection() as conn:
                        found.append(await (await conn.execute(MINE)).fetchall())
                        pids.add(conn.info.backend_pid)
                    continue
                try:
                    async with in_the_name_of(store, user) as conn:
                        found.append(await (await conn.execute(MINE)).fetchall())
                        pids.add(conn.info.backend_pid)
                        await conn.execute("SELECT 1 / 0")
                except psycopg.errors.DivisionByZero:
                    pass
        return found, pids

    found, pids = run(play())
    assert found == [[(ADA,)], [(EVE,)], [], [(ADA,)], []]
    assert len(pids) < len(found)


def test_many_at_once_see_only_themselves(run, people):
    """Over fewer connections than there are askers."""

    async def one(store, user):
        async with in_the_name_of(store, user) as conn:
            await conn.execute("SELECT pg_sleep(0.001)")
            [(mine,)] = await (await conn.execute(MINE)).fetchall()
            return mine == user

    async def play():
        async with persons(people) as store:
            return await asyncio.gather(*(one(store, (ADA, EVE)[n % 2]) for n in range(200)))

    assert all(run(play()))


@pytest.mark.parametrize("said", ["", "ada", "' OR true --"])
def test_no_name_is_nobody(people, said):
    """Nothing, or an error: never a row."""
    url = people.app.replace(f"{APP}:{APP}", f"{PERSON}:{PERSON}")
    with psycopg.connect(url) as conn:
        conn.execute("SELECT set_config('soulfra.user_id', %s, true)", (said,))
        try:
            assert conn.execute(MINE).fetchall() == []
        except psycopg.errors.InvalidTextRepresentation:
            assert said


def test_a_person_commands_for_itself(run, people):
    """Its agents and itself; nothing that is another's or nobody's."""
    may = [
        c.Whisper(agent_id="a-ada", text="x"),
        c.RegisterAgent(agent_id="x", user_id=ADA, archetype="x"),
        c.ForgetUser(user_id=ADA),
    ]
    may_not = [
        c.Whisper(agent_id="a-eve", text="x"),
        c.Whisper(agent_id="nobody", text="x"),
        c.RegisterAgent(agent_id="x", user_id=EVE, archetype="x"),
        c.RegisterUser(username="x", email="x@x.org"),
        c.ForgetUser(user_id=EVE),
        c.DissolveLoop(loop_id="ada-rain"),
    ]

    async def play():
        refused = 0
        async with persons(people) as store:
            for body in may:
                await allowed(store, ADA, body)
            for body in may_not:
                try:
                    await allowed(store, ADA, body)
                except Forbidden:
                    refused += 1
        return refused

    assert run(play()) == len(may_not)
