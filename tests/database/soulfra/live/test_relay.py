"""From the log to the streams: each event once, in its order, whatever dies in between."""

import asyncio
import json
import random
import threading
import time

import psycopg
import pytest

from apps.soulfra.ending import ended
from apps.soulfra.log import Place
from apps.soulfra.streams import look
from schemas.soulfra.keys import STREAM_SECONDS
from schemas.soulfra.live import Message, StreamName
from tests.database.soulfra.live.conftest import emptied, same
from tests.redis_server import docker


def test_what_the_log_says_is_in_the_streams(run, relaying, streams, happening):
    """And no more of it than is declared."""
    happening.add([happening.user_came("ada", "ada@x.org"), happening.loop("a", "my secret")])
    happening.add([happening.cluster("c", "a", mythology="a saga")])

    async def passed():
        async with relaying() as relay:
            await emptied(relay)
            return relay.counts

    counts = run(passed())
    assert (counts.sent, counts.there_already, counts.filled_anew) == (2, 0, 0)
    assert same(streams, happening)
    ((name, said),) = json.loads(streams.cli("--json", "XRANGE", "events:loop:created", "-", "+"))
    said = _fields(said)
    told = {"id": name, "stream": "loop:created", **said, "data": json.loads(said["data"])}
    message = Message.model_validate(told)
    assert message.data.loop_id == "a"
    whole = "".join(streams.cli("XRANGE", f"events:{each}", "-", "+") for each in StreamName)
    for secret in ("ada", "x.org", "my secret", "saga", "rhyme"):
        assert secret not in whole


def test_every_key_has_a_lifetime(run, relaying, streams, happening):
    """Of all that it writes."""
    happening.loops(3)

    async def passed():
        async with relaying() as relay:
            await emptied(relay)

    run(passed())
    keys = streams.cli("KEYS", "*").split()
    assert set(keys) == {"events:loop:created", "events:place"}
    for key in keys:
        assert STREAM_SECONDS - 60 < int(streams.cli("TTL", key)) <= STREAM_SECONDS


def test_a_step_that_was_not_noted_in_postgres_adds_nothing_twice(
    run, relaying, streams, happening, ask
):
    """The relay dies after Redis has the events: they are refused, counted, and there once."""
    happening.loops(30)

    async def twice():
        async with relaying(at_once=10) as relay:
            await emptied(relay)
        ask_back = "UPDATE log.followers SET transaction_id = 0, position = 0 RETURNING taken"
        ask(ask_back)
        async with relaying(at_once=10) as relay:
            await emptied(relay)
            return relay.counts

    counts = run(twice())
    assert (counts.sent, counts.there_already) == (0, 30)
    assert same(streams, happening)


@pytest.mark.parametrize("seed", range(3))
def test_a_relay_that_is_killed_again_and_again(seed, process, streams, happening, settled):
    """Under load, at moments of chance; the ledger of what was acknowledged is kept out here."""
    chance, acknowledged, over = random.Random(seed), [], threading.Event()

    def write(number):
        with psycopg.connect(happening.dsn, autocommit=True) as conn:
            while not over.is_set():
                acknowledged.extend(happening.loops(20, 5, conn, f"w{number}"))
                # A stream keeps its newest 50,000 only: on a slow machine the kills last long.
                over.wait(len(acknowledged) / 100_000)

    writers = [threading.Thread(target=write, args=(n,)) for n in range(2)]
    for one in writers:
        one.start()
    for _ in range(8):
        relay = process(at_once=chance.choice([3, 40]))
        time.sleep(chance.uniform(0.02, 0.3))
        relay.kill()
        relay.wait()
    over.set()
    for one in writers:
        one.join()
    process(at_once=2_000)
    settled(lambda: streams.ids() == happening.ids())

    said = streams.cli("--json", "XRANGE", "events:loop:created", "-", "+")
    assert sorted(_loops(said)) == sorted(acknowledged)
    assert len(acknowledged) == len(set(acknowledged)) > 100


def test_two_relays_do_not_double(process, streams, happening, settled):
    """One works at a time, and the other one goes on when it dies."""
    first, second = process(at_once=7), process(at_once=11)
    happening.loops(1_500, 20)
    time.sleep(0.3)
    first.kill()
    happening.loops(500, 20)
    settled(lambda: same(streams, happening))
    assert second.poll() is None


def test_redis_killed_while_it_is_written_to(process, streams, happening, settled):
    """The log keeps everything until it is back."""
    process(at_once=40)
    for _ in range(2):
        happening.loops(400, 10)
        streams.stop()
        happening.loops(300, 10)
        streams.begin()
        happening.loops(100, 10)
    settled(lambda: same(streams, happening))


def test_a_redis_that_was_killed_has_what_it_had(run, relaying, streams, happening):
    """Scripts are in its AOF as MULTI: it reads them back as a user that is off, but may do all."""
    happening.loops(100)

    async def killed():
        async with relaying() as relay:
            await emptied(relay)
            streams.stop()
            streams.begin()
            happening.loops(10)
            await asyncio.sleep(0.5)
            await emptied(relay)
            return relay.counts

    counts = run(killed())
    assert (counts.sent, counts.there_already, counts.filled_anew) == (110, 0, 0)
    assert same(streams, happening)
    assert "NOAUTH" in docker("exec", streams.name, "/usr/bin/redis-cli", "-s",
                              "/run/redis/redis.sock", "GET", "events:place")  # fmt: skip


@pytest.mark.parametrize("hurt", ["FLUSHALL", "DEL events:loop:created", "DEL events:place"])
def test_what_redis_lost_is_filled_in_again(hurt, process, streams, happening, settled):
    """Without another event coming."""
    process()
    happening.loops(500)
    settled(lambda: same(streams, happening))
    streams.cli(*hurt.split())
    settled(lambda: same(streams, happening))


@pytest.mark.parametrize("seconds", [0, 2])
def test_what_is_too_old_for_a_stream_is_left_in_the_log(  # noqa: PLR0917
    seconds, run, relaying, streams, happening, monkeypatch
):
    """Redis is filled with what is younger than its lifetime; then there is peace."""
    monkeypatch.setattr("apps.soulfra.relay.STREAM_SECONDS", seconds)
    happening.loops(300, 3)

    async def flushed():
        async with relaying() as relay:
            await emptied(relay)
            streams.cli("FLUSHALL")
            await asyncio.sleep(seconds + 0.1)
            if seconds:
                happening.loops(90, 3)
            for _ in range(4):
                relay._looked = 0
                await relay.step()
            return relay.counts, await look(relay._redis)

    counts, held = run(flushed())
    assert held.is_whole
    assert (counts.filled_anew, counts.dropped) == (1, 0)
    log = happening.ids()
    assert streams.ids() == (log[-90:] if seconds else [])


def test_an_older_state_of_redis_is_gone_on_from(run, relaying, streams, happening):
    """As a restore of its files leaves it: streams and note are of one moment."""
    happening.loops(50)

    async def restored():
        async with relaying() as relay:
            await emptied(relay)
        older = [docker_dump(streams, key) for key in ("events:loop:created", "events:place")]
        happening.loops(50)
        async with relaying() as relay:
            await emptied(relay)
        for key, value in zip(("events:loop:created", "events:place"), older, strict=True):
            streams.cli("DEL", key)
            docker_restore(streams, key, value)
        async with relaying() as relay:
            await emptied(relay)
            return relay.counts

    counts = run(restored())
    assert (counts.sent, counts.there_already, counts.filled_anew) == (50, 0, 1)
    assert same(streams, happening)


def test_the_streams_of_another_log_are_dropped(run, relaying, streams, happening):
    """Postgres was restored to an earlier instant: its transactions have other events now."""
    happening.loops(20)
    streams.cli("XADD", "events:loop:created", "999999999-5", "type", "loop_created")
    streams.cli(
        "HSET", "events:place", "place", "999999999-5", "recorded_at", "2026-11-29T20:00:00+00:00",
        "loop:created", "999999999-5", "blessing:granted", "0-0", "cluster:formed", "0-0",
    )  # fmt: skip

    async def passed():
        async with relaying() as relay:
            await emptied(relay)
            return relay.counts

    counts = run(passed())
    assert counts.dropped == len(StreamName)
    assert same(streams, happening)


def test_an_event_that_somebody_else_added_is_thrown_out(run, relaying, streams, happening):
    """A stream is what the log says, and nothing else."""
    happening.loops(20)

    async def passed():
        async with relaying() as relay:
            await emptied(relay)
            streams.cli("XADD", "events:loop:created", "999999999-5", "type", "loop_created")
            happening.loops(20)
            await emptied(relay)

    run(passed())
    assert same(streams, happening)


def test_a_stream_is_bounded(run, relaying, streams, happening, monkeypatch):
    """What is cut off is in the log; what is there is the newest, in order."""
    monkeypatch.setattr("apps.soulfra.streams.STREAM_ENTRIES", 200)
    happening.loops(2_000)

    async def passed():
        async with relaying() as relay:
            await emptied(relay)
            return await look(relay._redis)

    held = run(passed())
    ids, log = streams.ids(), happening.ids()
    assert 200 <= len(ids) <= 400
    assert ids == log[-len(ids) :]
    assert held.is_whole
    assert str(held.place) == log[-1]


def test_the_place_moves_after_redis_has_it(run, relaying, streams, happening, ask):
    """Redis is away: Postgres knows how far it is, and the lag is told."""
    happening.loops(10)
    streams.stop()

    async def away():
        async with relaying() as relay:
            running = asyncio.create_task(relay.run())
            await asyncio.sleep(1.2)
            told = relay.told()
            await ended(running)
            return told

    told = run(away())
    assert ask("SELECT count(*) FROM log.followers") == [(0,)]
    assert told["away"] >= 1
    assert told["behind_seconds"] > 0.5
    assert "redis" in told["trouble"]
    streams.begin()


def test_places_are_in_the_order_of_numbers():
    """Not of letters; before the first of a transaction is the end of the one before it."""
    assert Place.read("9-1") < Place.read("10-1") < Place.read("10-2")
    assert Place(10, 0).before > Place(9, 2**40)
    assert Place(10, 5).before == Place(10, 4)


def docker_dump(streams, key):
    """A key as it is, in a copy."""
    streams.cli("COPY", key, f"copy:{key}", "REPLACE")
    return f"copy:{key}"


def docker_restore(streams, key, value):
    """A copy in its place again."""
    streams.cli("RENAME", value, key)


def _loops(said):
    for _, entry in json.loads(said):
        yield json.loads(_fields(entry)["data"])["loop_id"]


def _fields(entry):
    """As this Redis has it in JSON."""
    if isinstance(entry, dict):
        return entry
    return dict(zip(entry[::2], entry[1::2], strict=True))
