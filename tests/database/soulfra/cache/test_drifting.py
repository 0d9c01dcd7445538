"""How all drift, in Redis: the guide's three keys, of one moment, each with its lifetime."""

import json

import pytest

from apps.bridge.web import Request
from apps.soulfra import drift
from apps.soulfra.cache.cache import Cache
from apps.soulfra.cache.doors import Reads
from apps.soulfra.cache.drifting import rate_of, tell
from apps.soulfra.cache.forget import forget
from apps.soulfra.shards.router import Router
from schemas.errors import Unreachable
from schemas.soulfra import commands as c
from schemas.soulfra import keys
from schemas.soulfra.words import Entity
from tests.database.soulfra.cache.conftest import room

RATING = keys.DRIFT_RATING.of(id="agent:oracle")
TONES = ("anger", "calm") * 4


def alone(here):
    """A router of a house without shards."""
    return Router(here.cache.pool, None, lambda _: here.writer)


async def drifted(here, loop=()):
    """An agent that shifts to and fro, and its loop of the same id if that does, counted."""
    for tone in TONES:
        await here.writer.give(c.ShiftAgentTone(agent_id="oracle", tone=tone))
    for tone in loop:
        await here.writer.give(c.ShiftLoopTone(loop_id="oracle", tone=tone))
    async with here.cache.pool.connection() as conn:
        while await drift.counted(conn):
            pass


def test_the_index_the_ratings_and_the_critical_set(run, soulfra_database, redis):
    """Who drifts too much is in the set; when nobody does any more, the set is gone."""

    async def told():
        async with room(soulfra_database, redis) as here:
            await here.begun()
            before = await tell(alone(here), here.cache)
            await drifted(here)
            after = await tell(alone(here), here.cache)
            return before, after, await rate_of(alone(here))("agent:oracle")

    before, after, rated = run(told())
    index = json.loads(redis.cli("GET", keys.DRIFT_INDEX.pattern))
    members = redis.cli("SMEMBERS", keys.DRIFT_CRITICAL.pattern).split()

    assert (before, after) == (0, 1)
    assert members == ["agent:oracle"]
    assert float(redis.cli("GET", RATING)) >= 1
    assert index["index"] > 0
    assert rated.critical
    for name in (keys.DRIFT_INDEX.pattern, keys.DRIFT_CRITICAL.pattern, RATING):
        assert 0 < int(redis.cli("TTL", name)) <= keys.RATING_SECONDS


async def named_alike(here):
    """An agent and a loop of one id."""
    await here.begun()
    await here.writer.give(c.Whisper(loop_id="oracle", agent_id="oracle", text="it rains"))


@pytest.mark.parametrize("plurals", [(Entity.AGENT, Entity.LOOP), (Entity.LOOP, Entity.AGENT)])
def test_an_agent_and_a_loop_of_one_id_are_two(run, soulfra_database, redis, plurals):
    """Whichever is asked for first, and also when it is in Redis."""

    async def told():
        async with room(soulfra_database, redis) as here:
            await named_alike(here)
            await drifted(here)
            await here.follower.step()
            reads = Reads(here.cache, here.follower, rate_of(alone(here)))
            asked = Request("GET", "/")
            return [
                (entity, json.loads((await reads.answer(entity, "oracle", "rating", asked)).body))
                for entity in plurals * 2
            ]

    for entity, said in run(told()):
        assert (said["entity"], said["critical"]) == (entity, entity is Entity.AGENT)
    rated = {f"cache:rating:{entity}:oracle" for entity in plurals}
    assert rated <= set(redis.cli("--scan").split())


def test_who_is_forgotten_drifts_no_more(run, soulfra_database, redis):
    """Neither a rating nor a member of the set; the loop of the same id, which stays, has both."""

    async def told():
        async with room(soulfra_database, redis) as here:
            await named_alike(here)
            await drifted(here, TONES)
            await here.follower.step()
            reads = Reads(here.cache, here.follower, rate_of(alone(here)))
            for entity in (Entity.AGENT, Entity.LOOP):
                await reads.answer(entity, "oracle", "rating", Request("GET", "/"))
            assert await tell(alone(here), here.cache) == 2
            held = set(redis.cli("SMEMBERS", keys.DRIFT_CRITICAL.pattern).split())
            await forget(here.cache, [(Entity.AGENT, "oracle")])
            return held

    assert run(told()) == {"agent:oracle", "loop:oracle"}
    assert redis.cli("SMEMBERS", keys.DRIFT_CRITICAL.pattern).split() == ["loop:oracle"]
    left = {name for name in redis.cli("--scan").split() if "rating" in name}
    assert left == {"drift:entity:loop:oracle:rating", "cache:rating:loop:oracle"}


def test_a_redis_that_is_away_is_told_later(run, soulfra_database, redis):
    """The task fails, is counted, and comes again."""
    redis.stop()

    async def told():
        async with room(soulfra_database, redis) as here:
            with pytest.raises(Unreachable):
                await tell(alone(here), here.cache)
            redis.begin()
            again = Cache(here.cache.pool, redis.line())
            await tell(alone(here), again)
            await again.close()

    run(told())
    assert json.loads(redis.cli("GET", keys.DRIFT_INDEX.pattern))
