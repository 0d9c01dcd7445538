"""The queues of what happened last: filled by the follower, made again by a read, without a gap."""

import json
from itertools import cycle

from apps.soulfra.cache.cache import How
from apps.soulfra.cache.forget import forget
from apps.soulfra.cache.kinds import AGENT, FORECAST, LOOP
from schemas.soulfra import commands as c
from schemas.soulfra import keys
from schemas.soulfra.words import Entity
from tests.database.soulfra.cache.conftest import USER, room

TONES = cycle(("grief", "hope", "calm", "joy"))


async def _lived(here, changes):
    for _ in range(changes):
        await here.writer.give(c.ShiftLoopTone(loop_id="rain", tone=next(TONES)))


def test_the_follower_fills_them_and_the_oldest_go(run, soulfra_database, redis):
    """So many as declared, in order, as the log has them."""

    async def live():
        async with room(soulfra_database, redis) as here:
            await here.begun()
            await _lived(here, keys.RECENT + 20)
            await here.follower.step()
            found = await here.recent.events("rain")
            return found, await here.recent.events("rain", fresh=True)

    found, fresh = run(live())
    said = json.loads(found.value.text)

    assert found.how is How.HIT
    assert found.value.text == fresh.value.text
    assert [each["version"] for each in said] == list(range(22, keys.RECENT + 22))
    assert int(redis.cli("LLEN", "loop:rain:events")) == keys.RECENT
    assert int(redis.cli("EXISTS", "agent:oracle:active")) == 1


def test_a_queue_that_was_lost_has_no_gap_when_it_comes_back(run, soulfra_database, redis):
    """What comes next is not taken for all; a read makes it whole; what is told twice is once."""

    async def lose():
        async with room(soulfra_database, redis) as here:
            await here.begun()
            await _lived(here, 5)
            await here.writer.give(c.Whisper(loop_id="snow", agent_id="oracle", text="it snows"))
            await here.follower.step()
            redis.cli("FLUSHALL")
            await _lived(here, 3)
            await here.writer.give(c.Whisper(loop_id="hail", agent_id="oracle", text="it hails"))
            await here.follower.step()
            seen = [await here.recent.events("rain"), await here.recent.whispers("oracle")]
            await _lived(here, 2)
            await here.writer.give(c.Whisper(loop_id="mist", agent_id="oracle", text="mist"))
            here.cache.redis.doubt()  # so that it is told again
            await here.follower.step()
            seen += [await here.recent.events("rain"), await here.recent.whispers("oracle")]
            nobody = await here.recent.events("nobody")
            return seen, nobody

    seen, nobody = run(lose())
    events, whispers, events_after, whispers_after = (json.loads(s.value.text) for s in seen)

    assert [each.how for each in seen] == [How.STALE, How.STALE, How.HIT, How.HIT]
    assert [each["version"] for each in events] == list(range(1, 10))
    assert [each["version"] for each in events_after] == list(range(1, 12))
    assert [each["loop_id"] for each in whispers] == ["rain", "snow", "hail"]
    assert [each["loop_id"] for each in whispers_after] == ["rain", "snow", "hail", "mist"]
    assert nobody.value.text is None


def test_who_is_forgotten_is_in_no_key(run, soulfra_database, redis):
    """Nor put back by who read before; the keys are counted."""

    async def go():
        async with room(soulfra_database, redis) as here:
            await here.begun()
            for _ in range(2):
                for kind, name in ((LOOP, "rain"), (FORECAST, "rain"), (AGENT, "oracle")):
                    before = (await here.cache.get(kind, name)).value
                await here.recent.whispers("oracle")
            held = await LOOP.read(here.cache.pool, "rain")
            gone = await forget(
                here.cache,
                [(Entity.USER, USER), (Entity.AGENT, "oracle"), (Entity.LOOP, "rain")],
            )
            await here.cache._put(LOOP, "rain", held, 100, "")
            assert before.text is not None
            return gone, here.cache.counts.lost

    gone, lost = run(go())
    left = {name: redis.cli("TYPE", name) for name in redis.cli("--scan").splitlines()}
    said = "".join(
        redis.cli("LRANGE", name, "0", "-1") if kind == "list" else redis.cli("GET", name)
        for name, kind in left.items()
        if not name.startswith("cache:guild")
    )

    assert gone == 6  # loop: state, forecast, events; agent: state, active, whispers
    assert lost == 1
    assert "it rains" not in said
    assert "value" not in said
