"""After a rebuild that mends, no process answers with what it kept of the wrong rows."""

import asyncio
import json

import psycopg

from apps.soulfra.cache.cache import How
from apps.soulfra.cache.kinds import AGENT, LOOP
from apps.soulfra.log import life
from apps.soulfra.rebuild import rebuild
from schemas.soulfra import commands as c
from tests.database.soulfra.cache.conftest import believed, room

SPOILT = (
    "UPDATE soulfra.loops SET emotional_tone = 'anger', whisper_origin = 's1.' || repeat('x', 20)",
    "UPDATE soulfra.agents SET current_tone = 'anger'",
)


async def heard(here):
    """What one process says of the loop, of the agent, and of its whispers."""
    loop = await here.cache.get(LOOP, "rain")
    agent = await here.cache.get(AGENT, "oracle")
    whispers = await here.recent.whispers("oracle")
    return (
        json.loads(loop.value.text)["emotional_tone"],
        json.loads(agent.value.text)["current_tone"],
        json.loads(whispers.value.text)[0]["text"] == "s1." + "x" * 20,
    ), (loop.how, agent.how, whispers.how)


def test_no_process_answers_with_what_was_wrong(run, soulfra_database, redis):
    """The versions of the streams are the same: only the mend says that Redis is wrong."""

    async def mended():
        async with room(soulfra_database, redis) as one, room(soulfra_database, redis) as two:
            await one.begun()
            await believed(two)
            right, _ = await heard(one)
            redis.cli("FLUSHALL")
            await asyncio.sleep(0.1)
            with psycopg.connect(soulfra_database.owner, autocommit=True) as conn:
                for text in SPOILT:
                    conn.execute(text)
                for each in (one, two, one):
                    wrong, hows = await heard(each)
                assert set(hows) == {How.HIT}
                assert len(rebuild(conn, mend=True).differing) == 2
            said = []
            for each in (one, two):
                await each.follower.step()
                said.append(await heard(each))
            await asyncio.sleep(1.1)
            for each in (one, two):
                await heard(each)
            return right, wrong, said, await heard(one), await heard(two)

    right, wrong, said, *later = run(mended())
    assert wrong == ("anger", "anger", True)
    assert right == ("neutral", "neutral", False)
    assert [values for values, _ in said] == [right, right]
    assert later == [(right, (How.HIT,) * 3)] * 2


def test_what_a_writer_knew_is_looked_at_again(run, soulfra_database, redis):
    """Else the next event would say that it began where nobody was."""

    async def shifted():
        async with room(soulfra_database, redis) as here:
            here.follower.mended = here.writer.doubt
            await here.begun()
            with psycopg.connect(soulfra_database.owner, autocommit=True) as conn:
                conn.execute(SPOILT[1])
                here.writer.doubt()
                await here.writer.give(c.Whisper(loop_id="sun", agent_id="oracle", text="sun"))
                rebuild(conn, mend=True)
            await here.follower.step()
            await here.writer.give(c.ShiftAgentTone(agent_id="oracle", tone="hope"))
            async with here.cache.pool.connection() as conn:
                return [each.what async for each in life(conn, "agent:oracle")][-1]

    assert run(shifted()).before == "neutral"


def test_a_rebuild_that_finds_nothing_wrong_leaves_redis_alone(run, soulfra_database, redis):
    """What it holds stays a hit."""

    async def kept():
        async with room(soulfra_database, redis) as here:
            await here.begun()
            await heard(here)
            with psycopg.connect(soulfra_database.owner, autocommit=True) as conn:
                assert rebuild(conn).differing == ()
            await here.follower.step()
            return await heard(here)

    assert set(run(kept())[1]) == {How.HIT}
