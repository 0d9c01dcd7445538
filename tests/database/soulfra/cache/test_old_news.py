"""What is old does not come back: from a Redis that was away, from its disk, from a slow reader."""

import asyncio
import json
from contextlib import suppress

from apps.soulfra.cache.cache import How
from apps.soulfra.cache.forget import forget
from apps.soulfra.cache.kinds import LOOP
from apps.soulfra.cache.recent import PUSH, _events
from schemas.errors import HouseError
from schemas.soulfra import commands as c
from schemas.soulfra.keys import LOOP_EVENTS, MARK_SECONDS, RECENT, WARM_SECONDS
from schemas.soulfra.words import Entity
from tests.database.soulfra.cache.conftest import believed, room

KEY = LOOP_EVENTS.of(loop_id="rain")


async def _tone(here):
    found = await here.cache.get(LOOP, "rain")
    return found.how, json.loads(found.value.text)["emotional_tone"]


async def _kept(here):
    """Redis has it. In the millisecond of a mark nothing is put yet."""
    for _ in range(100):
        await asyncio.sleep(0.002)
        if (await _tone(here))[0] is How.HIT:
            return
    raise AssertionError("Redis does not keep it")


def test_a_redis_that_was_away_is_not_believed_before_it_was_told(run, soulfra_database, redis):
    """It still has what it had, and what it had is old."""

    async def away():
        async with room(soulfra_database, redis) as here:
            await here.begun()
            await _kept(here)
            redis.cli("ACL", "SETUSER", "soulfra", "off")
            redis.cli("CLIENT", "KILL", "USER", "soulfra")
            await here.writer.give(c.ShiftLoopTone(loop_id="rain", tone="grief"))
            redis.cli("ACL", "SETUSER", "soulfra", "on")
            had = json.loads(redis.cli("GET", "loop:rain:state"))["value"]["emotional_tone"]
            before = [await _tone(here) for _ in range(3)]
            await believed(here)
            return had, before, [await _tone(here) for _ in range(2)]

    had, before, after = run(away())

    assert had != "grief"
    assert before == [(How.BYPASS, "grief")] * 3
    assert after == [(How.STALE, "grief"), (How.HIT, "grief")]


def test_what_its_disk_had_lost_is_told_again(run, soulfra_database, redis):
    """An AOF may lack its last second: an older value lies where a mark was."""

    async def lose():
        async with room(soulfra_database, redis) as here:
            await here.begun()
            await _kept(here)
            old = redis.cli("GET", "loop:rain:state")
            await here.writer.give(c.ShiftLoopTone(loop_id="rain", tone="grief"))
            await here.follower.step()
            redis.cli("SET", "loop:rain:state", old, "EX", "100")
            redis.cli("CLIENT", "KILL", "USER", "soulfra")
            for _ in range(2):  # it is noticed that the line broke, then it is made anew
                with suppress(HouseError):
                    await here.cache.redis.ask("TIME")
            assert not here.cache.redis.is_believed
            await believed(here)
            return await _tone(here)

    assert run(lose()) == (How.STALE, "grief")


def test_a_queue_with_a_gap_goes(run, redis, soulfra_database):
    """Whatever brought it about."""

    async def push():
        async with room(soulfra_database, redis) as here:
            for number in (1, 2, 4):
                item = f'{{"version":{number},"type":"x"}}'
                words = [number, item, 1, WARM_SECONDS, RECENT, 1, MARK_SECONDS]
                await here.cache.redis.run(PUSH, [KEY], words)

    run(push())

    assert redis.cli("LRANGE", KEY, "0", "-1") == '{"at":4,"made_at":1,"mark":true}'
    assert 0 < int(redis.cli("TTL", KEY)) <= MARK_SECONDS


def test_a_slow_reader_does_not_bring_back_a_queue_that_was_forgotten(run, redis, soulfra_database):
    """It read before; it is answered, and nothing of it stays."""

    async def slow():
        async with room(soulfra_database, redis) as here:
            await here.begun()

            async def read(conn, name):
                said = await _events(conn, name)
                await forget(here.cache, [(Entity.LOOP, name)])
                return said

            found = await here.recent._read(KEY, "rain", read, How.MISS)
            return found, here.cache.counts.lost

    found, lost = run(slow())

    assert "loop_created" in found.value.text
    assert lost == 1
    assert "loop_created" not in redis.cli("LRANGE", KEY, "0", "-1")
