"""Groups of consumers: each event is handled, whoever dies, whatever was trimmed."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from apps.postgres import PostgresSettings, pool
from apps.soulfra import consumers
from apps.soulfra.consumers import Consumer
from apps.soulfra.ending import ended
from apps.soulfra.log import Place
from schemas.soulfra.live import StreamName
from tests.database.soulfra.live.conftest import emptied

LOOPS = StreamName.LOOP_CREATED


@pytest.fixture
def consuming(soulfra_database, streams):
    """Consumers that note down what they handled."""

    @asynccontextmanager
    async def consumer(name="one", group="readers", handle=None, idle_seconds=0.2):
        settings = PostgresSettings(url=soulfra_database.app, min_conn=1, max_conn=3)
        redis = streams.line()
        handled = []

        async def note(message):
            if handle:
                await handle(message)
            handled.append(message.id)

        async with pool(settings, "soulfra") as store:
            made = Consumer(
                store, redis, LOOPS, group=group, name=name, handle=note, idle_seconds=idle_seconds
            )
            made.notes = handled
            yield made
        await redis.close()

    return consumer


async def rested(consumer, steps=3):
    """Step until there is nothing more for a while."""
    idle = 0
    while idle < steps:
        idle = 0 if await consumer.step() else idle + 1


def test_a_group_shares_what_there_is(run, relaying, consuming, happening):
    """Two of it handle each event once; another group has all of them, too."""
    happening.loops(500)

    async def shared():
        async with (
            relaying() as relay,
            consuming("one") as one,
            consuming("two") as two,
            consuming("other", group="others") as other,
        ):
            await emptied(relay)
            for each in (one, two, other):
                await each.begin(Place())
            for each in (one, two, one, two, one, two, other):
                await (rested(each) if each is other else each.step())
            await rested(one)
            return one.notes, two.notes, other.notes

    one, two, other = run(shared())
    assert one
    assert two
    assert sorted(one + two, key=Place.read) == other == happening.ids()


def test_a_new_group_begins_now_or_where_it_is_told(run, relaying, consuming, happening):
    """After an event that somebody names."""
    happening.loops(10)

    async def begun():
        async with relaying() as relay, consuming(group="a") as now, consuming(group="b") as then:
            await emptied(relay)
            await now.begin()
            await then.begin(Place.read(happening.ids()[6]))
            happening.loops(5)
            await emptied(relay)
            await rested(now)
            await rested(then)
            return now.notes, then.notes

    now, then = run(begun())
    assert now == happening.ids()[10:]
    assert then == happening.ids()[7:]


def test_what_was_trimmed_is_read_from_the_log_up_to_the_seam(  # noqa: PLR0917
    run, relaying, consuming, happening, monkeypatch, streams
):
    """The stream is joined at the very next event: no hole, no double."""
    monkeypatch.setattr("apps.soulfra.streams.STREAM_ENTRIES", 100)
    happening.loops(2_000, 50)

    async def gap():
        async with relaying() as relay, consuming() as one:
            await emptied(relay)
            await one.begin(Place())
            for _ in range(5):
                await one.step()
                happening.loops(30, 3)
                await emptied(relay)
            await rested(one)
            return one

    one = run(gap())
    assert len(streams.ids()) < 400
    assert one.notes == happening.ids()
    assert 1_500 < one.counts.from_log < len(one.notes)


@pytest.mark.parametrize("place", [-1, 0, 1])
def test_the_seam_itself(place, run, relaying, consuming, happening, streams):  # noqa: PLR0917
    """From right before the oldest entry, from it, from right after it."""
    happening.loops(300, 10)

    async def seam():
        async with relaying() as relay, consuming() as one:
            await emptied(relay)
            streams.cli("XTRIM", "events:loop:created", "MAXLEN", "100")
            await one.begin(Place.read(happening.ids()[200 + place]))
            await rested(one)
            return one

    one = run(seam())
    assert one.notes == happening.ids()[201 + place :]
    assert one.counts.from_log == 0


def test_what_a_dead_consumer_held_is_taken_over(run, relaying, consuming, happening, streams):
    """It took a hundred and died; trimmed meanwhile or not."""
    happening.loops(150, 10)

    async def died():
        async with relaying() as relay, consuming("dead") as dead, consuming("heir") as heir:
            await emptied(relay)
            await dead.begin(Place())
            await dead.step()  # there is nothing before the stream
            words = ("readers", "dead", 100, 1_000, *dead._seam)
            what, taken = await dead._redis.run(consumers.TAKE, [LOOPS.key.pattern], words)
            assert (what, len(taken)) == ("new", 100)
            streams.cli("XTRIM", "events:loop:created", "MAXLEN", "90")  # 60 of them are gone
            await rested(heir)
            assert heir.notes == happening.ids()[100:], "what somebody else still holds"
            await asyncio.sleep(0.3)
            await rested(heir)
            await heir.save()
            return heir

    heir = run(died())
    assert sorted(heir.notes, key=Place.read) == happening.ids()
    assert (heir.counts.taken_over, heir.counts.from_log) == (40, 60)
    assert streams.cli("XPENDING", LOOPS.key.pattern, "readers").split()[0] == "0"


def test_what_cannot_be_handled_is_set_aside(run, relaying, consuming, happening, streams):
    """After so many tries, counted; whatever comes after it is handled."""
    happening.loops(10)
    poison = happening.ids()[4]

    async def handle(message):
        if message.id == poison:
            raise ValueError(message.id)

    async def poisoned():
        async with relaying() as relay, consuming(handle=handle, idle_seconds=0.05) as one:
            await emptied(relay)
            await one.begin(Place())
            for _ in range(consumers.TRIES + 2):
                await rested(one)
                await asyncio.sleep(0.06)
            return one

    one = run(poisoned())
    assert one.notes == [each for each in happening.ids() if each != poison]
    assert (one.counts.failed, one.counts.aside) == (consumers.TRIES, 1)
    assert poison in streams.cli("XRANGE", "events:aside:readers", "-", "+")
    assert int(streams.cli("TTL", "events:aside:readers")) > 0


def test_a_flushed_redis_does_not_make_a_group_begin_anew(
    run, relaying, consuming, happening, streams
):
    """How far it was is in Postgres."""
    happening.loops(200)

    async def flushed():
        async with relaying() as relay, consuming() as one:
            await emptied(relay)
            await one.begin(Place())
            await rested(one)
            await one.save()
            streams.cli("FLUSHALL")
            happening.loops(50)
            await rested(one)
            await emptied(relay)
            relay._looked = 0
            await emptied(relay)
            await rested(one)
            return one.notes

    assert run(flushed()) == happening.ids()


def test_redis_dies_while_a_group_works(run, relaying, consuming, happening, streams):
    """It goes on by itself; each event is handled."""

    async def killed():
        async with relaying() as relay, consuming() as one:
            running = [asyncio.create_task(relay.run())]
            await one.begin(Place())
            running.append(asyncio.create_task(one.run()))
            for _ in range(2):
                await asyncio.to_thread(happening.loops, 300, 10)
                await asyncio.to_thread(streams.stop)
                await asyncio.to_thread(happening.loops, 100, 10)
                await asyncio.to_thread(streams.begin)
            async with asyncio.timeout(30):
                while set(one.notes) != set(await asyncio.to_thread(happening.ids)):  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
            for each in running:
                await ended(each)
            return one

    one = run(killed())
    assert list(dict.fromkeys(one.notes)) == happening.ids()
    assert one.counts.away > 0
