"""Reads through the cache: lifetimes, tiers, one read for all, what is not there, what changed."""

import asyncio
import json
import time

import psycopg
import pytest

from apps.soulfra.cache.cache import AT_ODDS_MS, How
from apps.soulfra.cache.kinds import AGENT, CONSCIOUSNESS, FORECAST, GUILD, KINDS, LOOP
from apps.soulfra.cache.rating import rating
from apps.soulfra.cache.value import Value, now
from apps.soulfra.rebuild import rebuild
from schemas.quantity import Closed
from schemas.soulfra import commands as c
from schemas.soulfra import keys
from tests.database.soulfra.cache.conftest import HOUSE, USER, counted, room

OLD = """
INSERT INTO log.events (stream, version, type, schema_version, data, recorded_at, sha256)
VALUES ('loop:old', 1, 'loop_created', 1, jsonb_build_object('creator_id', %(user)s::text,
        'agent_id', 'oracle', 'whisper', 's1.' || repeat('A', 40), 'pii', jsonb_build_object(),
        'tone', 'calm', 'created_at', now() - make_interval(secs => %(age)s)),
        now() - make_interval(secs => %(age)s),
        decode(repeat('00', 32), 'hex'))
"""
KEPT = {
    "loop:rain:state": keys.LOOP_STATE,
    "loop:rain:consciousness": keys.LOOP_CONSCIOUSNESS,
    "loop:rain:events": keys.LOOP_EVENTS,
    "agent:oracle:state": keys.AGENT_STATE,
    "agent:oracle:active": keys.AGENT_ACTIVE,
    "agent:oracle:whispers": keys.AGENT_WHISPERS,
    "cache:forecast:rain": keys.FORECAST,
    "cache:rating:agent:oracle": keys.RATING,
    "cache:guild:seers": keys.GUILD,
}
NAMES = {LOOP: "rain", CONSCIOUSNESS: "rain", FORECAST: "rain", AGENT: "oracle", GUILD: "seers"}


class Rated(Closed):
    """What somebody says of a drift."""

    drift: float


async def _rate(_):
    return Rated(drift=0.5)


def test_every_key_of_the_guide_lives_as_long_as_declared(run, soulfra_database, redis):
    """Its lifetime as Redis has it, its kind, its value as Postgres has it."""

    async def fill():
        async with room(soulfra_database, redis) as here:
            await here.begun()
            await here.writer.give(c.MeasureLoop(loop_id="rain", consciousness={"depth": 0.5}))
            await asyncio.sleep(0.002)  # what is read in the millisecond of a change is not put
            found = {}
            for kind, name in NAMES.items():
                first = await here.cache.get(kind, name)
                again = await here.cache.get(kind, name)
                fresh = await here.cache.get(kind, name, fresh=True)
                assert again.how is How.HIT, kind
                if kind is not FORECAST:  # it goes by the clock, too
                    assert first.value.text == again.value.text == fresh.value.text
                found[kind.of(name)] = json.loads(again.value.text)
            await here.cache.get(rating(_rate), "agent:oracle")
            await here.recent.whispers("oracle")
            await here.recent.whispers("oracle")
            return found

    found = run(fill())

    assert set(KINDS) == set(NAMES)
    assert found["loop:rain:state"]["loop_id"] == "rain"
    assert found["loop:rain:consciousness"] == {"depth": 0.5}
    assert found["cache:guild:seers"]["members"] == 1
    assert 0 < found["cache:forecast:rain"]["change_within_hour"] <= 1
    for name, key in KEPT.items():
        left = int(redis.cli("TTL", name))
        assert key.lifetime_seconds - 30 < left <= key.lifetime_seconds, name
        assert redis.cli("TYPE", name) == key.kind, name
    said = json.loads(redis.cli("GET", "loop:rain:state"))
    assert (said["version"], said["value"]) == (2, found["loop:rain:state"])
    assert abs(said["made_at"] / 1000 - time.time()) < 60


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (60, ("hot", How.HIT, keys.HOT_SECONDS)),
        (keys.WARM_SECONDS - 600, ("warm", How.HIT, 600)),
        (2 * keys.HOT_SECONDS, ("warm", How.HIT, keys.HOT_SECONDS)),
        (keys.WARM_SECONDS + 60, ("cold", How.COLD, -2)),
    ],
)
def test_the_age_of_the_last_change_says_how_long_it_is_kept(
    run, soulfra_database, redis, age, expected
):
    """Hot and warm for their time, and never beyond the day; cold not at all."""

    async def twice():
        async with room(soulfra_database, redis) as here:
            await here.begun()
            with psycopg.connect(soulfra_database.owner, autocommit=True) as conn:
                conn.execute("SELECT soulfra.create_loop_months(now() - interval '40 days')")
                conn.execute(OLD, {"user": USER, "age": age})
                rebuild(conn, mend=True)
            await asyncio.sleep(AT_ODDS_MS / 1000 + 0.1)
            await here.follower.step()
            await here.cache.get(LOOP, "old")
            return await here.cache.get(LOOP, "old")

    found = run(twice())
    left = int(redis.cli("TTL", "loop:old:state"))

    tier, how, most = expected
    assert (found.value.tier, found.how) == (tier, how)
    assert json.loads(found.value.text)["loop_id"] == "old"
    assert most - 60 < left <= most


def test_a_thousand_readers_of_one_missing_key_are_one_read(run, soulfra_database, redis):
    """In one process, and in four."""

    async def storm():
        reads = []
        kind = counted(LOOP, reads)
        async with room(soulfra_database, redis) as here:
            await here.begun()
            found = await asyncio.gather(*(here.cache.get(kind, "rain") for _ in range(1_000)))
            assert len({each.value for each in found}) == 1
            assert reads == ["rain"]
            assert (here.cache.counts.misses, here.cache.counts.joined) == (1, 999)
        redis.cli("FLUSHALL")
        reads.clear()
        async with (
            room(soulfra_database, redis) as one,
            room(soulfra_database, redis) as two,
            room(soulfra_database, redis) as three,
            room(soulfra_database, redis) as four,
        ):
            rooms = (one, two, three, four)
            for each in rooms:
                await each.follower.step()
            asked = [rooms[n % 4].cache.get(kind, "rain") for n in range(1_000)]
            found = await asyncio.gather(*asked)
            assert len({each.value.text for each in found}) == 1
        return reads

    assert run(storm()) == ["rain"]


def test_what_is_not_there_is_remembered_for_a_moment(run, soulfra_database, redis):
    """And no longer than it is not there."""

    async def ask():
        reads = []
        kind = counted(LOOP, reads)
        async with room(soulfra_database, redis) as here:
            await here.begun()
            before = [await here.cache.get(kind, "snow") for _ in range(5)]
            left = int(redis.cli("TTL", "loop:snow:state"))
            count = len(reads)
            await here.writer.give(c.Whisper(loop_id="snow", agent_id="oracle", text="it snows"))
            after = await here.cache.get(kind, "snow")
            return before, left, count, after, here.cache.counts.absent

    before, left, count, after, absent = run(ask())

    assert [each.value.text for each in before] == [None] * 5
    assert 0 < left <= keys.ABSENT_SECONDS
    assert (count, absent) == (1, 4)
    assert json.loads(after.value.text)["loop_id"] == "snow"


def test_who_was_answered_finds_what_they_did(run, soulfra_database, redis):
    """The writer's own process marks before it answers; another's follower within a bound."""

    async def shift():
        async with (
            room(soulfra_database, redis) as here,
            room(soulfra_database, redis) as there,
        ):
            await here.begun()
            await there.follower.step()
            seen = []
            for tone in ("grief", "hope", "calm", "joy") * 10:
                await there.cache.get(LOOP, "rain")
                await here.writer.give(c.ShiftLoopTone(loop_id="rain", tone=tone))
                mine = json.loads((await here.cache.get(LOOP, "rain")).value.text)
                theirs = json.loads((await there.cache.get(LOOP, "rain")).value.text)
                seen.append((mine["emotional_tone"], theirs["emotional_tone"]) == (tone, tone))
            following = asyncio.create_task(here.follower.run())
            blind = type(here.writer)(here.cache.pool, HOUSE)  # as one that dies before it tells
            began = time.monotonic()
            await here.cache.get(AGENT, "oracle")
            await blind.give(c.ShiftAgentTone(agent_id="oracle", tone="grief"))
            while True:
                found = await there.cache.get(AGENT, "oracle")
                if json.loads(found.value.text)["current_tone"] == "grief":
                    break
                assert time.monotonic() - began < 2
                await asyncio.sleep(0.01)
            following.cancel()
            return seen, time.monotonic() - began

    seen, took = run(shift())

    assert all(seen)
    assert took < 1


def test_an_older_value_never_takes_a_newer_one_s_place_and_is_counted(
    run, soulfra_database, redis
):
    """Whether the newer one is there, or only the mark that it came."""

    async def race():
        async with room(soulfra_database, redis) as here:
            await here.begun()
            older = (await here.cache.get(LOOP, "rain")).value
            gate = asyncio.Event()

            async def slow(pool, name):
                value = await LOOP.read(pool, name)
                await gate.wait()
                return value

            redis.cli("UNLINK", "loop:rain:state")
            late = asyncio.create_task(
                here.cache.get(type(LOOP)(*_fields(LOOP, read=slow)), "rain")
            )
            await asyncio.sleep(0.2)
            await here.writer.give(c.ShiftLoopTone(loop_id="rain", tone="grief"))
            gate.set()
            await late
            marked = redis.cli("GET", "loop:rain:state")
            now_there = await here.cache.get(LOOP, "rain")
            lost = here.cache.counts.lost
            await here.cache._put(LOOP, "rain", older, 100, "")
            await here.cache._put(LOOP, "rain", Value(1, now() + 60_000, now(), "{}"), 100, "")
            return marked, now_there.how, lost, here.cache.counts.lost

    marked, how, first, after = run(race())

    assert (json.loads(marked)["version"], json.loads(marked)["mark"]) == (2, True)
    assert how is How.STALE
    assert (first, after) == (1, 3)
    assert json.loads(redis.cli("GET", "loop:rain:state"))["version"] == 2


def _fields(kind, **other):
    names = ("name", "entity", "key", "part", "read", "floor")
    return [other.get(name, getattr(kind, name)) for name in names]
