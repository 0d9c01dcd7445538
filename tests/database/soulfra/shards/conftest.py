"""Two real servers: home on the one, a shard on the other."""

import asyncio
import os
import uuid
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from typing import NamedTuple

import psycopg
import pytest

from apps.migrate import runner
from apps.migrate.lines import line
from apps.postgres import PostgresSettings, pool
from apps.soulfra.shards.move import Mover
from apps.soulfra.shards.router import Router
from apps.soulfra.slots import slot_of
from apps.soulfra.writer import Writer
from schemas.server import SOULFRA
from tests.database.conftest import database_made, roles_made, scratch_server
from tests.database.soulfra.conftest import HOUSE

OWNER, APP = "soulfra_owner", "soulfra"
LAST = 255
"""Slots up to here move: sixteen times as many take sixteen times as long."""


def named(prefix):
    """Ids without end whose slots are among those."""
    return (name for n in count() if slot_of(name := f"{prefix}-{n}") <= LAST)


def place_of(database):
    """Where it is, as the map says it: nothing of who asks."""
    return database.admin.partition("@")[2]


class Two(NamedTuple):
    """Home, and the shard ``two``."""

    home: object
    two: object

    @property
    def each(self):
        """By name."""
        return {"home": self.home, "two": self.two}


@pytest.fixture(scope="session")
def second_server(standing):
    """The superuser's DSN of another server, with all roles."""
    with scratch_server(standing, "scratch-two") as dsn:
        roles_made(dsn)
        yield dsn


@pytest.fixture(scope="session")
def second_address(standing, second_server):
    """Where the first server finds it."""
    name = f"{standing.called('scratch-two')}-{os.getpid()}"
    return standing.docker("inspect", "-f", "{{.NetworkSettings.IPAddress}}", name)


@pytest.fixture(scope="session")
def second_template(second_server):
    """A template on it, migrated as the first."""
    name = f"soulfra_{uuid.uuid4().hex[:8]}_template"
    with database_made(second_server, name, tenant=SOULFRA) as made:
        runner.apply(line("soulfra"), made.owner)
        yield made


@pytest.fixture
def second_database(second_server, second_template):
    """A copy of it, for one test."""
    name = f"soulfra_{uuid.uuid4().hex[:8]}_test"
    with database_made(second_server, name, second_template.name, SOULFRA) as made:
        yield made


@pytest.fixture
def two(soulfra_database, second_database):
    """Both, joined; all slots are home's."""
    made = Two(soulfra_database, second_database)
    with moving(made.home.owner) as mover:
        mover.join("two", place_of(second_database))
    return made


def connected(_, place):
    """As owner, to a place of the map."""
    return owned(f"postgresql://{OWNER}:{OWNER}@{place}")


def owned(url):
    """As every mover is connected."""
    return psycopg.connect(url, autocommit=True, options="-c timezone=UTC")


@contextmanager
def moving(home):
    """A mover, and its connection to home."""
    with owned(home) as conn:
        yield Mover(conn, connected)


@asynccontextmanager
async def routing(two, connections=4):
    """A router, as a process has one."""

    def store(url):
        return pool(PostgresSettings(url=url, min_conn=1, max_conn=connections), "soulfra")

    async with store(two.home.app) as home:
        made = Router(
            home,
            lambda _, place: store(f"postgresql://{APP}:{APP}@{place}"),
            lambda there: Writer(there, HOUSE),
        )
        try:
            await made.learn()
            yield made
        finally:
            await made.close()


def asked(url, query, *values):
    """What a database holds."""
    with psycopg.connect(url, autocommit=True) as conn:
        return conn.execute(query, values or None).fetchall()


def moved(two, first, last, target):
    """Whole and at once."""
    with moving(two.home.owner) as mover:
        return mover.move(first, last, target, group=LAST + 1)


async def moved_beside(two, first, last, target):
    """While this loop goes on."""
    return await asyncio.to_thread(moved, two, first, last, target)
