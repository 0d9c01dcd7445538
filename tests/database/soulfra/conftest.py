"""Soulfra's writer on a database of the test's own."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from uuid import UUID

import psycopg
import pytest

from apps.postgres import PostgresSettings, pool
from apps.soulfra.changes import follow_changes
from apps.soulfra.given import Done
from apps.soulfra.privacy.keys import House
from apps.soulfra.privacy.opening import FIELDS
from apps.soulfra.privacy.seals import SQL as PRIVACY
from apps.soulfra.writer import Writer
from schemas.errors import HouseError
from services.redis import SOULFRA
from tests.redis_server import emptied, redis_server
from tests.soulfra.play import Play

HOUSE = House(b"k" * 32)
"""Of every test."""


def said(ask, entity, name, column):
    """What a sealed column says to whoever has the keys."""
    [(user_id, wrapped)] = [
        (UUID(str(one)), other)
        for one, other in ask(PRIVACY[f"whose_{entity}"].replace("%(id)s", f"'{name}'"))
    ]
    table, key = {
        "user": ("users", "id"),
        "agent": ("agents", "agent_id"),
        "loop": ("loops", "loop_id"),
        "prophecy": ("prophecies", "id"),
    }[entity]
    [(sealed,)] = ask(f"SELECT {column} FROM soulfra.{table} WHERE {key}::text = '{name}'")
    place = f"{entity}:{name}/{FIELDS[entity][column]}"
    return HOUSE.subject(user_id, wrapped).open(place, sealed)


@asynccontextmanager
async def writing(database, connections=4):
    """A writer, as a process has one."""
    settings = PostgresSettings(url=database.app, min_conn=1, max_conn=connections)
    async with pool(settings, "soulfra") as there:
        yield Writer(there, HOUSE)


async def played(writer, play, count):
    """Give so many of its commands one after the other; what was answered, and what was refused."""
    begin = [] if play.users else play.beginning()
    done = [await writer.give(body, play.id(), play.name) for body in begin]
    refused = []
    for _ in range(count):
        try:
            answer = await writer.give(play.next(), play.id(), play.name)
        except HouseError as error:
            refused.append(error)
        else:
            done.append(answer)
            play.heard(answer.answer)
    return done, refused


async def caught_up(database):
    """What follows a moment later is there, too."""
    conn = await psycopg.AsyncConnection.connect(database.app, autocommit=True)
    async with conn:
        while await follow_changes(conn):
            pass


@pytest.fixture
def run():
    """Run what is awaited, to its end; in a thread, as the browser's loop runs in this one."""
    with ThreadPoolExecutor(1) as threads:
        yield lambda awaited: threads.submit(asyncio.run, awaited).result()


@pytest.fixture
def lived(run, soulfra_database):
    """A database in which 600 commands of three players were given at once."""

    async def play():
        async with writing(soulfra_database) as writer:
            return await asyncio.gather(*(played(writer, Play(seed), 200) for seed in (1, 2, 3)))

    for done, _ in run(play()):
        assert all(isinstance(each, Done) for each in done)
    run(caught_up(soulfra_database))
    return soulfra_database


@pytest.fixture
def ask(soulfra_database):
    """What the database holds."""
    with psycopg.connect(soulfra_database.admin, autocommit=True) as conn:
        yield lambda query, *values: conn.execute(query, values or None).fetchall()


@pytest.fixture(scope="session")
def soulfra_redis(standing):
    """Of this run of the tests."""
    with redis_server(standing, SOULFRA) as made:
        yield made


@pytest.fixture
def redis(soulfra_redis):
    """Empty, and up."""
    return emptied(soulfra_redis)
