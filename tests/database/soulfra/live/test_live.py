"""A door in this process, real sockets, real clients: from the log to whoever listens."""

import asyncio
import json
import random
import socket
import time
from contextlib import suppress

import psycopg
import pytest
from websockets.exceptions import ConnectionClosed

from apps.soulfra.live.ring import Ring
from apps.soulfra.log import Place
from schemas.errors import HouseError
from schemas.soulfra.live import PATH, Message
from tests.database.soulfra.live.conftest import BEARER, TOKEN, heard
from tests.soulfra.play import Play


def test_who_listens_hears_what_happens(run, door, happening):
    """From now on; what it is told is as it is declared."""
    happening.loops(3)

    async def listened():
        async with door() as at, at.listen() as one:
            await asyncio.sleep(0.2)
            happening.add([happening.user_came("ada", "ada@x.org"), happening.loop("a")])
            happening.add([happening.cluster("c", "a")])
            return [json.loads(await one.recv()) for _ in range(2)]

    loop, cluster = run(listened())
    assert (loop["stream"], loop["type"]) == ("loop:created", "loop_created")
    assert loop["data"] == {
        "loop_id": "a", "creator_id": str(happening.user), "agent_id": "oracle", "tone": "joy",
        "created_at": "2026-11-29T20:00:00Z",
    }  # fmt: skip
    assert (cluster["type"], cluster["data"]) == ("cluster_formed", {"cluster_id": "c", "size": 1})


def test_from_an_id_on(run, door, happening):
    """All after it, by the query or by the header; of the streams that are asked for."""
    happening.loops(1_200, 7)
    happening.add([happening.cluster("c", "l-1")])
    ids = happening.ids()

    async def listened():
        async with door() as at:
            all_of_it, some, last, clusters = [], [], [], []
            async with at.listen("?from=0-0&streams=loop:created") as one:
                await heard(one, all_of_it, ids[-1])
            async with at.listen(f"?from={ids[700]}&streams=loop:created") as one:
                await heard(one, some, ids[-1])
            habit = {**BEARER, "Last-Event-ID": ids[-3]}
            async with at.listen(headers=habit) as one:
                await heard(one, last, happening.ids("cluster:formed")[0])
            async with at.listen("?streams=cluster:formed&from=0-0") as one:
                clusters.append(json.loads(await one.recv())["type"])
            return all_of_it, some, last, clusters

    all_of_it, some, last, clusters = run(listened())
    assert all_of_it == ids
    assert some == ids[701:]
    assert last == [*ids[-2:], *happening.ids("cluster:formed")]
    assert clusters == ["cluster_formed"]


def test_coming_back_in_the_middle_of_a_write_load(run, door, happening):
    """Three go and come at moments of chance: each has all in the end, none twice."""
    happening.loops(1_200, 50)  # more than is read to in one step

    async def client(at, seed, over):
        chance, ids = random.Random(seed), []
        while True:
            query = f"?from={ids[-1] if ids else '0-0'}"
            async with at.listen(query) as one:
                try:
                    async with asyncio.timeout(chance.uniform(0.05, 0.6)):
                        while True:
                            ids.append(json.loads(await one.recv())["id"])
                except TimeoutError:
                    if over.is_set() and ids[-1] == (await asyncio.to_thread(happening.ids))[-1]:
                        return ids

    def write(number):
        with psycopg.connect(happening.dsn, autocommit=True) as conn:
            until = time.monotonic() + 3
            while time.monotonic() < until:
                happening.loops(8, 4, conn, f"w{number}")
                time.sleep(0.02)

    async def listened():
        over = asyncio.Event()
        async with door() as at, asyncio.timeout(50):
            clients = [asyncio.create_task(client(at, seed, over)) for seed in (1, 2, 3)]
            await asyncio.gather(*(asyncio.to_thread(write, n) for n in range(2)))
            over.set()
            return await asyncio.gather(*clients)

    found, ids = run(listened()), happening.ids()
    assert len(ids) > 1_300
    assert found == [ids, ids, ids]


def test_postgres_breaks_off_again_and_again(run, door, happening, ask):
    """Whoever listens waits, and misses nothing."""
    broken = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name ~ %s"

    async def listened():
        ids = []
        async with door() as at, at.listen("?from=0-0") as one:
            for _ in range(4):
                await asyncio.to_thread(happening.loops, 200, 20)
                await asyncio.to_thread(ask, broken, "^soulfra")
                await asyncio.to_thread(happening.loops, 50, 5)
            await heard(one, ids, happening.ids()[-1])
            return ids, at.hub.counts.away

    ids, away = run(listened())
    assert ids == happening.ids()
    assert away > 0


@pytest.mark.parametrize(("said", "code"), [("hello", 1003), ("x" * 2_000, 1009)])
def test_nothing_is_taken(run, door, said, code):
    """Whoever says something is let go."""

    async def told():
        async with door() as at, at.listen() as one:
            await one.send(said)
            with pytest.raises(ConnectionClosed):
                await one.recv()
            return one.close_code

    assert run(told()) == code


def test_who_does_not_answer_is_hung_up_on(run, door, monkeypatch):
    """A ping is to be answered; who does stays, with nothing to be told."""
    monkeypatch.setattr("apps.soulfra.live.listening.PING_SECONDS", 0.15)

    async def silent(at):
        reader, writer = await asyncio.open_connection("127.0.0.1", at.port)
        writer.write(
            f"GET {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 ")
        with suppress(ConnectionResetError):
            await reader.read()
        writer.close()

    async def pinged():
        async with door() as at, at.listen() as one:
            async with asyncio.timeout(2):
                await silent(at)
            await asyncio.sleep(0.5)
            await (await one.ping())
            return len(at.hub)

    assert run(pinged()) == 1


def test_one_who_is_slow_is_let_go_and_comes_back(run, door, happening, monkeypatch):
    """It holds up nobody, and goes on where it was told to."""
    monkeypatch.setattr("apps.soulfra.live.listening.STALL_SECONDS", 0.5)
    monkeypatch.setattr("apps.soulfra.live.listening.CLOSE_SECONDS", 30)
    monkeypatch.setattr("apps.soulfra.live.hub.AT_ONCE", 100)
    happening.loops(1)

    async def slow():
        async with door(Ring(Place.read(happening.ids()[0]), 4_000)) as at:
            narrow = socket.socket()
            narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            narrow.connect(("127.0.0.1", at.port))
            quick, late = [], []
            async with (
                at.listen("?from=0-0") as one,
                at.listen("?from=0-0", sock=narrow, max_queue=1) as other,
            ):
                await asyncio.sleep(0.2)
                adding = asyncio.create_task(asyncio.to_thread(happening.loops, 6_000, 100))
                while not adding.done() or quick[-1] != happening.ids()[-1]:
                    quick.append(json.loads(await one.recv())["id"])
                begun = time.monotonic()
                while at.hub.counts.too_slow == 0:
                    assert time.monotonic() < begun + 10
                    await asyncio.sleep(0.05)
                with suppress(ConnectionClosed):
                    while True:
                        late.append(json.loads(await other.recv())["id"])
                code, reason = other.close_code, other.close_reason
            told = reason.rpartition("from=")[2]
            had = len(late)
            async with at.listen(f"?from={told}") as other:
                await heard(other, late, happening.ids()[-1])
            return quick, late, had, code, at.hub.counts.too_slow

    quick, late, had, code, slow_ones = run(slow())
    assert quick == late == happening.ids()
    assert 0 < had < len(late)
    assert (code, slow_ones) == (4008, 1)


def test_two_hundred_at_once(run, door, happening):
    """One reader of the log for all."""

    async def many():
        async with door() as at:
            clients = await asyncio.gather(*(at.listen() for _ in range(200)))
            await asyncio.sleep(0.2)
            begun = time.monotonic()
            adding = asyncio.create_task(asyncio.to_thread(happening.loops, 200, 20))
            found = [[] for _ in clients]
            await adding
            last = happening.ids()[-1]
            await asyncio.gather(
                *(heard(one, ids, last) for one, ids in zip(clients, found, strict=True))
            )
            took = time.monotonic() - begun
            count = len(at.hub)
            await asyncio.gather(*(one.close() for one in clients))
            return found, took, count

    found, took, count = run(many())
    ids = happening.ids()
    assert count == 200
    assert all(each == ids for each in found)
    assert took < 20


def test_nothing_that_a_person_said_goes_out(run, door, ask):
    """All commands there are, with words that nobody else may hear."""

    async def played():
        async with door() as at, at.listen() as one:
            await asyncio.sleep(0.2)
            play, heard_of = Play(7), []
            begin = play.beginning()
            for body in begin + [play.next() for _ in range(400)]:
                with suppress(HouseError):  # some are refused
                    play.heard((await at.writer.give(body, play.id(), play.name)).answer)
            try:
                async with asyncio.timeout(2):
                    while True:
                        heard_of.append(await one.recv())
            except TimeoutError:
                return heard_of

    said = run(played())
    kinds = {Message.model_validate_json(each).type for each in said}
    assert len(kinds) == 4
    words = {
        word
        for (data,) in ask("SELECT data FROM log.events")
        for name in ("whisper", "text", "username", "email", "name", "mythology")
        if (word := data.get(name))
    }
    assert len(words) > 10
    ids = {one for (one,) in ask("SELECT split_part(stream, ':', 2) FROM log.events")}
    whole = "\n".join(said)
    for word in words - ids:  # the play calls its guilds by their ids
        assert json.dumps(word)[1:-1] not in whole
        assert word not in whole
