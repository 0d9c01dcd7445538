"""Redis is killed, flushed, frozen, and raced; what is read is what Postgres says."""

import asyncio
import json
import subprocess
import time
from contextlib import suppress
from random import Random

import pytest

from apps.redis_line import Line
from apps.soulfra.cache.breaker import PATIENCE_SECONDS
from apps.soulfra.cache.cache import How
from apps.soulfra.cache.forget import Forget
from apps.soulfra.cache.kinds import AGENT, CONSCIOUSNESS, GUILD, LOOP
from apps.soulfra.privacy.forgetting import Forgetting
from schemas.errors import HouseError, Refused
from schemas.soulfra import commands as c
from schemas.soulfra import keys
from tests.database.soulfra.cache.conftest import believed, room
from tests.redis_server import docker
from tests.soulfra.play import Play

FORBIDDEN = (
    ("GET", "session:x"), ("SET", "other", "1"), ("KEYS", "*"), ("SCAN", "0"), ("FLUSHALL",),
    ("FLUSHDB",), ("CONFIG", "GET", "maxmemory"), ("EVAL", "return 1", "0"), ("SCRIPT", "FLUSH"),
    ("MONITOR",), ("CLIENT", "LIST"), ("ACL", "LIST"), ("SELECT", "1"), ("DBSIZE",),
)  # fmt: skip


async def _tone(here, kind, name, field):
    return json.loads((await here.cache.get(kind, name)).value.text)[field]


def test_redis_killed_in_the_middle_changes_no_answer(run, soulfra_database, redis):
    """Postgres answers at once; back again it is not believed before it was told what it missed."""

    async def kill():
        seen, slow = [], 0.0
        async with room(soulfra_database, redis) as here:
            await here.begun()
            following = asyncio.create_task(here.follower.run())
            for turn, tone in enumerate(("grief", "hope", "calm", "joy") * 15):
                if turn == 20:
                    await asyncio.to_thread(redis.stop)
                if turn == 40:
                    await asyncio.to_thread(redis.begin)
                await here.writer.give(c.ShiftLoopTone(loop_id="rain", tone=tone))
                began = time.monotonic()
                seen.append(await _tone(here, LOOP, "rain", "emotional_tone") == tone)
                slow = max(slow, time.monotonic() - began)
                await asyncio.sleep(0.02)
            until = time.monotonic() + 10
            while (await here.cache.get(LOOP, "rain")).how is not How.HIT:
                assert time.monotonic() < until
                await asyncio.sleep(0.05)
            while len(queue := json.loads((await here.recent.events("rain")).value.text)) < 61:
                assert time.monotonic() < until
                await asyncio.sleep(0.05)
            following.cancel()
            return seen, slow, here.cache.counts, [each["version"] for each in queue]

    try:
        seen, slow, counts, versions = run(kill())
    finally:
        with suppress(subprocess.CalledProcessError):
            redis.begin()

    assert all(seen)
    assert slow < 1
    assert counts.bypassed >= 19
    assert counts.opened >= 1
    assert counts.untold >= 1
    assert versions == list(range(1, 62))


def test_a_frozen_redis_is_left_alone(run, soulfra_database, redis):
    """It answers nothing and refuses nothing: some wait for its patience, then nobody does."""

    async def freeze():
        async with room(soulfra_database, redis) as here:
            await here.begun()
            await here.cache.get(LOOP, "rain")
            await asyncio.to_thread(docker, "pause", redis.name)
            took = []
            try:
                for _ in range(40):
                    began = time.monotonic()
                    found = await here.cache.get(LOOP, "rain")
                    took.append(time.monotonic() - began)
                    assert json.loads(found.value.text)["loop_id"] == "rain"
            finally:
                await asyncio.to_thread(docker, "unpause", redis.name)
            return took, here.cache.counts

    took, counts = run(freeze())

    assert sum(each > PATIENCE_SECONDS for each in took) <= 6
    assert max(took) < 1
    assert counts.opened >= 1


def test_a_flushed_redis_is_made_again_by_reads(run, soulfra_database, redis):
    """In the midst of readers; nobody is told anything else."""

    async def flush():
        async with room(soulfra_database, redis) as here:
            await here.begun()
            before = redis.cli("--scan").split()
            for turn in range(200):
                if turn % 50 == 25:
                    redis.cli("FLUSHALL")
                for kind, name in ((LOOP, "rain"), (AGENT, "oracle"), (GUILD, "seers")):
                    found = await here.cache.get(kind, name)
                    assert found.value.text is not None
            return before, here.cache.counts

    _, counts = run(flush())

    assert {"loop:rain:state", "agent:oracle:state", "cache:guild:seers"} <= set(
        redis.cli("--scan").split()
    )
    assert counts.misses + counts.joined <= 3 * 5 + 3
    assert counts.hits >= 580


def test_it_begins_and_answers_without_redis(run, soulfra_database, redis):
    """And takes it up when it comes."""
    redis.stop()

    async def begin():
        async with room(soulfra_database, redis) as here:
            following = asyncio.create_task(here.follower.run())
            for body in Play(1).beginning():
                await here.writer.give(body)
            first = await here.cache.get(AGENT, "p1-agent-0")
            redis.begin()
            until = time.monotonic() + 10
            while (await here.cache.get(AGENT, "p1-agent-0")).how is not How.HIT:
                assert time.monotonic() < until
                await asyncio.sleep(0.05)
            following.cancel()
            return first.how

    assert run(begin()) is How.BYPASS


def test_the_user_soulfra_has_its_keys_and_commands_only(redis):
    """Each refused by Redis itself; a script is no way around; each declared key is its own."""
    for words in FORBIDDEN:
        assert "NOPERM" in redis.as_tenant(*words), words
    for key in keys.KEYS:
        name = key.pattern.replace("{", "").replace("}", "")
        assert "NOPERM" not in redis.as_tenant("UNLINK", name), name


def test_a_script_may_not_touch_what_its_caller_may_not(run, redis):
    """Redis asks for the rights of whoever runs it."""
    from apps.soulfra.cache.cache import PUT  # noqa: PLC0415  # what the process itself runs

    async def put():
        line: Line = redis.line()
        try:
            await line.run(PUT, ["session:x", "session:x", "session:x"], [1, 1, "x", 10, ""])
        finally:
            await line.close()

    with pytest.raises(Refused, match=r"permission|NOPERM|ACL"):
        run(put())


@pytest.mark.parametrize("seed", [1, 2])
def test_after_a_race_the_cache_says_what_postgres_says(run, soulfra_database, redis, seed):
    """Writers and readers of two processes at once for five seconds, then every key is compared."""
    (wrong, compared), one, two = run(_race(soulfra_database, redis, seed))

    assert wrong == []
    assert compared > 50
    assert one.hits > 100
    assert two.hits > 100


async def _race(database, redis, seed):
    chance = Random(seed)
    async with room(database, redis) as one, room(database, redis) as two:
        plays = [Play(seed * 10 + n) for n in range(4)]
        for play in plays:
            for body in play.beginning():
                await one.writer.give(body)
        following = [asyncio.create_task(each.follower.run()) for each in (one, two)]
        until = time.monotonic() + 5
        writes = [_writes(play, (one, two)[n % 2], until) for n, play in enumerate(plays)]
        reads = [_reads(chance, plays, (one, two)[n % 2], until) for n in range(8)]
        await asyncio.gather(_flushes(redis, until - 1), *writes, *reads)
        for here in (one, two):
            await believed(here)
        # Whoever was forgotten meanwhile is taken out, as the process does it.
        await Forgetting(one.cache.pool, {"redis": Forget(one.cache)}).sweep()
        for task in following:
            task.cancel()
        return await _compared(plays, one, two), one.cache.counts, two.cache.counts


async def _writes(play, here, until):
    while time.monotonic() < until:
        with suppress(HouseError):
            play.heard((await here.writer.give(play.next())).answer)


async def _reads(chance, plays, here, until):
    while time.monotonic() < until:
        for kind, name in _some(chance, plays):
            await here.cache.get(kind, name)
        for play in plays:
            if play.loops:
                await here.recent.events(chance.choice(play.loops[-9:]))
            await here.recent.whispers(chance.choice(play.agents))


async def _flushes(redis, until):
    while time.monotonic() < until:
        await asyncio.sleep(1)
        await asyncio.to_thread(redis.cli, "FLUSHALL")


def _some(chance, plays):
    for play in plays:
        for kind in (LOOP, CONSCIOUSNESS):
            if play.loops:
                yield kind, chance.choice(play.loops[-9:])
        yield AGENT, chance.choice(play.agents)
        if play.guilds:
            yield GUILD, chance.choice(play.guilds[-3:])


async def _compared(plays, *rooms):
    wrong, compared = [], 0
    for play in plays:
        asked = [(LOOP, name) for name in play.loops] + [(AGENT, name) for name in play.agents]
        for kind, name in asked + [(GUILD, name) for name in play.guilds]:
            truth = (await rooms[0].cache.get(kind, name, fresh=True)).value.text
            for here in rooms:
                said = (await here.cache.get(kind, name)).value.text
                compared += 1
                wrong += [(name, said, truth)] * (said != truth)
        here = rooms[0].recent
        queues = [(here.events, name) for name in play.loops[-30:]]
        for ask, name in queues + [(here.whispers, name) for name in play.agents]:
            said, truth = await ask(name), await ask(name, fresh=True)
            compared += 1
            wrong += [(name, said, truth)] * (said.value.text != truth.value.text)
    return wrong, compared
