"""Soulfra's Redis with the ACL of a deploy, the relay, and events to pass on."""

import asyncio
import os
import socket
import subprocess
import sys
import time
from base64 import urlsafe_b64encode
from contextlib import asynccontextmanager
from hashlib import sha256
from itertools import count
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb
from websockets.asyncio.client import connect

from apps.bridge.listener import Listener, drained
from apps.postgres import PostgresSettings, pool
from apps.redis_line import Line
from apps.soulfra.cache.cache import Cache
from apps.soulfra.cache.doors import Reads
from apps.soulfra.cache.follower import Follower
from apps.soulfra.doors import Doors
from apps.soulfra.ending import ended
from apps.soulfra.live.door import Live
from apps.soulfra.live.hub import Hub
from apps.soulfra.privacy.forgetting import Forgetting
from apps.soulfra.privacy.opening import Opening
from apps.soulfra.relay import Relay
from apps.soulfra.shards.router import Router
from apps.soulfra.tokens import Client, Tokens
from apps.soulfra.writer import Writer
from schemas.soulfra.live import PATH, Message, StreamName
from services.redis import SOULFRA
from tests.database.soulfra.conftest import HOUSE
from tests.redis_server import redis_server
from tests.soulfra.streams import Streams

MADE = "2026-11-29T20:00:00+00:00"
EVENTS = "SELECT log.append(%s)"
ORDER = """
SELECT transaction_id || '-' || position FROM log.events
 WHERE type = ANY(%s) ORDER BY transaction_id, position
"""
TYPES = {
    "loop:created": ["loop_created", "loop_forked"],
    "blessing:granted": ["blessing_granted"],
    "cluster:formed": ["cluster_formed"],
}


@pytest.fixture(scope="session")
def streams_server(standing):
    """Of this run, from the image and the files of a deploy."""
    with redis_server(standing, SOULFRA, Streams) as server:
        yield server


@pytest.fixture
def streams(streams_server):
    """Empty, and up."""
    if not streams_server.is_ready():
        streams_server.begin()
    streams_server.cli("FLUSHALL")
    streams_server.cli("ACL", "LOG", "RESET")
    yield streams_server
    if streams_server.is_ready():
        assert streams_server.cli("ACL", "LOG") == "", "the role asked for what it may not"


class Happening:
    """Events added as they are, by the process' role."""

    def __init__(self, dsn):
        self.dsn = dsn
        self.user = uuid4()
        self.numbers = count(1)
        self.conn = psycopg.connect(dsn, autocommit=True)

    def loops(self, many, at_once=100, conn=None, prefix="l"):
        """Loops that begin, so many in a transaction; gives their ids."""
        names = [f"{prefix}-{next(self.numbers)}" for _ in range(many)]
        for begin in range(0, many, at_once):
            self.add(
                [self.loop(name) for name in names[begin : begin + at_once]], conn or self.conn
            )
        return names

    def loop(self, name, whisper="it rains"):
        """One that begins."""
        sealed = f"s1.{urlsafe_b64encode(whisper.encode() * 3).decode().rstrip('=')}"
        data = {
            "creator_id": str(self.user), "agent_id": "oracle", "whisper": sealed,
            "tone": "joy", "created_at": MADE,
        }  # fmt: skip
        return {"stream": f"loop:{name}", "type": "loop_created", "data": data}

    def cluster(self, name, *loops, mythology="once"):
        """One that forms."""
        data = {
            "name": "those that rhyme", "mythology": mythology,
            "loops": [{"loop_id": loop, "created_at": MADE} for loop in loops],
        }  # fmt: skip
        return {"stream": f"cluster:{name}", "type": "cluster_formed", "data": data}

    def user_came(self, username, email):
        """One of whom nothing is told."""
        data = {"username": username, "email": email, "tier": "free"}
        return {"stream": f"user:{UUID(int=next(self.numbers))}", "type": "user_registered",
                "data": data}  # fmt: skip

    def add(self, events, conn=None):
        """In one transaction."""
        whole = [{"version": 1, "schema_version": 1, "metadata": {}, **each} for each in events]
        (conn or self.conn).execute(EVENTS, (Jsonb(whole),))

    def ids(self, stream="loop:created"):
        """What the log says, in the order of all readers."""
        return [one for (one,) in self.conn.execute(ORDER, (TYPES[stream],)).fetchall()]


@pytest.fixture
def happening(soulfra_database):
    """What adds them."""
    made = Happening(soulfra_database.app)
    with made.conn:
        yield made


@pytest.fixture
def relaying(soulfra_database, streams):
    """A relay in this process, and its line to Redis."""

    @asynccontextmanager
    async def relay(at_once=2_000, line=None):
        settings = PostgresSettings(url=soulfra_database.app, min_conn=1, max_conn=3)
        redis = line or streams.line()
        async with pool(settings, "soulfra") as store:
            yield Relay(store, redis, at_once)
        await redis.close()

    return relay


async def emptied(relay):
    """Step until the relay has nothing left to pass on."""
    while await relay.step():
        pass


def same(streams, happening):
    """Whether each stream is what the log says, nothing twice, in its order."""
    return {name: streams.ids(name) for name in StreamName} == {
        name: happening.ids(name) for name in StreamName
    }


@pytest.fixture
def process(soulfra_database, streams, tmp_path):
    """Relays as processes of their own, by ``python -m tests.soulfra.relaying``."""
    made = []

    def start(at_once=50):
        told = {
            "PYTHONPATH": os.pathsep.join(sys.path),
            "DB_POSTGRES_URL": soulfra_database.app,
            "AT_ONCE": str(at_once),
            **streams.environment(tmp_path),
        }
        one = subprocess.Popen(
            [sys.executable, "-m", "tests.soulfra.relaying"], env=told, stdout=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        made.append(one)
        assert one.stdout.readline() == "relaying\n"
        return one

    yield start
    for one in made:
        one.kill()
        one.wait()
        one.stdout.close()


TOKEN = "token-of-the-gallery"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


class Door:
    """Where it is, and who is behind it."""

    def __init__(self, port, hub, writer):
        self.port, self.hub, self.writer = port, hub, writer
        self.url = f"ws://127.0.0.1:{port}{PATH}"

    def listen(self, query="", headers=None, **given):
        """A client."""
        said = BEARER if headers is None else headers
        return connect(f"{self.url}{query}", additional_headers=said, **given)


@pytest.fixture
def door(soulfra_database, tmp_path):
    """One, open."""

    @asynccontextmanager
    async def opened(ring=None, connections=4):
        settings = PostgresSettings(url=soulfra_database.app, min_conn=1, max_conn=connections)
        tokens = Tokens({"gallery": Client(sha256=sha256(TOKEN.encode()).hexdigest())})
        async with pool(settings, "soulfra") as store:
            router = Router(store, lambda name, _: pytest.fail(name), lambda at: Writer(at, HOUSE))
            writer, hub = router.home.writer, Hub(store, ring)
            reading = asyncio.create_task(hub.run())
            away = Cache(store, Line(tmp_path / "no.sock"))
            reads, live = Reads(away, Follower(away)), Live(store, hub, tokens)
            listener = Listener(
                Doors(
                    store,
                    router,
                    tokens,
                    reads,
                    live=live,
                    opening=Opening(store, HOUSE),
                    forgetting=Forgetting(store, {}),
                ).answer
            )
            with socket.create_server(("127.0.0.1", 0)) as made:
                port = made.getsockname()[1]
                await listener.open(made)
                yield Door(port, hub, writer)
                await drained([listener], 1)
                await writer.close()
                await hub.close()
                await ended(reading)

    return opened


async def heard(one, ids, until):
    """Take messages into ids until one is the last that is waited for."""
    async with asyncio.timeout(30):
        while not ids or ids[-1] != until:
            ids.append(Message.model_validate_json(await one.recv()).id)


@pytest.fixture
def settled():
    """Wait until something holds."""

    def wait(holds, seconds=20):
        until = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < until, "it never came to be"
            time.sleep(0.1)

    return wait
