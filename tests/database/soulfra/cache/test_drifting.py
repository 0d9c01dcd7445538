"""How all drift, in Redis: the guide's three keys, of one moment, each with its lifetime."""

import json

import pytest

from apps.soulfra import drift
from apps.soulfra.cache.cache import Cache
from apps.soulfra.cache.drifting import rate_of, tell
from apps.soulfra.shards.router import Router
from schemas.errors import Unreachable
from schemas.soulfra import commands as c
from schemas.soulfra import keys
from tests.database.soulfra.cache.conftest import room

RATING = keys.DRIFT_RATING.of(id="oracle")


def alone(here):
    """A router of a house without shards."""
    return Router(here.cache.pool, None, lambda _: here.writer)


async def drifted(here):
    """An agent that shifts to and fro, counted."""
    for n in range(8):
        await here.writer.give(c.ShiftAgentTone(agent_id="oracle", tone=("anger", "calm")[n % 2]))
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
            return before, after, await rate_of(here.cache.pool)("oracle")

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
