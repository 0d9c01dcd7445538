"""Agents on two servers: made, read, moved there and back, refused where they are not."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import errors

from apps.soulfra.decisions.decision import Missing
from apps.soulfra.doors import SQL as READS
from apps.soulfra.shards.copy import SQL, Slots
from apps.soulfra.slots import slot_of
from schemas.errors import Diverged, Refused
from schemas.soulfra import commands as c
from tests.database.soulfra.conftest import writing
from tests.database.soulfra.shards.conftest import (
    LAST,
    asked,
    moved,
    moved_beside,
    moving,
    named,
    place_of,
    routing,
)

ADA = UUID(int=1)
AGENTS = list(islice(named("agent"), 40))
EVERYTHING = (0, LAST)
HALF = (0, LAST // 2)
APPEND = (
    "SELECT log.append(jsonb_build_array(jsonb_build_object('stream', %s::text, 'version',"
    " {version}, 'type', '{type}', 'schema_version', 1, 'data', '{{}}'::jsonb, 'metadata',"
    " '{{}}'::jsonb)))"
)
LIFE = "SELECT version, sha256, recorded_at FROM log.events WHERE stream = %s ORDER BY version"


async def beginning(router, agents=AGENTS):
    """Ada and her agents."""
    await router.give(c.RegisterUser(user_id=ADA, username="ada", email="ada@x.org"))
    register = [c.RegisterAgent(agent_id=a, user_id=ADA, archetype="oracle") for a in agents]
    await asyncio.gather(*(router.give(body) for body in register))


async def shift(router, tone, agents=AGENTS):
    """Let all feel otherwise."""
    bodies = [c.ShiftAgentTone(agent_id=agent, tone=tone) for agent in agents]
    return await asyncio.gather(*(router.give(body) for body in bodies))


def faults(two):
    """What ``verify`` says of both."""
    return [asked(db.owner, "SELECT * FROM log.verify(NULL)") for db in two]


def of_second(agents=AGENTS):
    """Those whose slot is in the lower half."""
    return {agent for agent in agents if slot_of(agent) <= HALF[1]}


def test_an_agent_is_made_read_and_shifted_on_its_shard(run, two):
    """Home has the register, the shard the life; whatever it takes part in is home's."""

    async def play():
        async with routing(two) as router:
            await beginning(router, AGENTS[:20])
            await moved_beside(two, *HALF, "two")
            # The router's map is old for the first of each.
            await shift(router, "joy", AGENTS[:20])
            later = [
                c.RegisterAgent(agent_id=a, user_id=ADA, archetype="oracle") for a in AGENTS[20:]
            ]
            await asyncio.gather(*(router.give(body) for body in later))
            await shift(router, "joy", AGENTS[20:])
            for agent in AGENTS:
                await router.give(c.Whisper(agent_id=agent, text="it rains"))
            read = []
            for agent in AGENTS:

                def ask(conn, agent=agent):
                    return one(conn, agent)

                read.append(await router.read(agent, ask))
            return read

    async def one(conn, agent):
        cursor = await conn.execute(READS["agent"], {"id": agent})
        return (await cursor.fetchone())[0]

    read = run(play())
    assert {(row["agent_id"], row["current_tone"]) for row in read} == {(a, "joy") for a in AGENTS}
    there = asked(two.two.owner, "SELECT agent_id, current_tone FROM soulfra.agents")
    assert {agent for agent, _ in there} == of_second()
    assert {tone for _, tone in there} == {"joy"}
    assert len(asked(two.home.owner, "SELECT FROM soulfra.agents")) == len(AGENTS)
    assert len(asked(two.home.owner, "SELECT FROM soulfra.loops")) == len(AGENTS)
    assert asked(two.home.owner, "SELECT count(*) FROM shard.registrations") == [(0,)]
    assert faults(two) == [[], []]


def test_a_life_goes_there_and_back_hash_for_hash(run, two):
    """Also what no event says, and the answers of commands that were done."""
    same = uuid4()
    body = c.ShiftAgentTone(agent_id=AGENTS[0], tone="wonder")

    async def play():
        async with routing(two) as router:
            await beginning(router)
            await shift(router, "hope")
            done = [await router.give(body, same)]
            for target in ("two", "home", "two"):
                await moved_beside(two, *EVERYTHING, target)
                done.append(await router.give(body, same))
                await shift(router, "joy" if target == "two" else "fear")
            return done

    done = run(play())
    assert [each.repeated for each in done] == [False, True, True, True]
    assert [each.answer for each in done] == [done[0].answer] * 4
    lives = {agent: asked(two.two.owner, LIFE, f"agent:{agent}") for agent in AGENTS}
    for agent, life in lives.items():
        home = asked(two.home.owner, LIFE, f"agent:{agent}")
        assert home == life[: len(home)]  # the register's, sealed when it went
        assert [version for version, *_ in life] == list(range(1, 6 + (agent == AGENTS[0])))
    assert faults(two) == [[], []]


def test_scores_and_depths_move_though_no_event_says_them(run, two):
    """Whoever writes them."""

    async def play():
        async with routing(two) as router:
            await beginning(router)

    run(play())
    with psycopg.connect(two.home.app, autocommit=True) as conn:
        conn.execute("UPDATE soulfra.agents SET consciousness_score = 0.5, memory_depth = 7")
    [*contents] = moved(two, *EVERYTHING, "two")
    assert sum(each.agents for each in contents) == len(AGENTS)
    found = "SELECT DISTINCT consciousness_score, memory_depth FROM soulfra.agents"
    assert [tuple(map(float, row)) for row in asked(two.two.owner, found)] == [(0.5, 7.0)]


def test_a_writer_that_knows_nothing_of_it_is_refused_by_the_database(run, two):
    """Neither the old owner takes what is not its own, nor the new one before it is."""
    agent = AGENTS[0]

    async def play():
        async with routing(two) as router:
            await beginning(router)
        await moved_beside(two, *EVERYTHING, "two")
        async with writing(two.home) as old:
            return await asyncio.gather(
                old.give(c.ShiftAgentTone(agent_id=agent, tone="joy")), return_exceptions=True
            )

    [refused] = run(play())
    assert "is away in this database" in str(refused)
    insert = APPEND.format(version=2, type="tone_shifted")
    for db, state in ((two.home, "away"), (two.two, "arriving"), (two.two, "frozen")):
        until = "now() + interval '1 min'" if state == "frozen" else "NULL"
        with psycopg.connect(db.owner, autocommit=True) as conn:
            conn.execute(f"UPDATE shard.slots SET state = '{state}', frozen_until = {until}")
        with psycopg.connect(db.app) as conn, pytest.raises(errors.RestrictViolation):
            conn.execute(insert, (f"agent:{agent}",))
        with psycopg.connect(db.app) as conn:
            conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            with pytest.raises(errors.ActiveSqlTransaction):
                conn.execute(insert, (f"agent:{agent}",))


def test_a_freeze_waits_for_whoever_writes_and_ends_by_itself(two):
    """No event is added to what was frozen; a dead mover leaves nothing frozen."""
    slot = slot_of("oracle")
    freeze = (
        "UPDATE shard.slots SET state = 'frozen', frozen_until = clock_timestamp() +"
        " interval '0.3 s' WHERE slot = %s"
    )
    insert = APPEND.format(version=1, type="agent_registered")
    stream = ("agent:oracle",)
    with psycopg.connect(two.home.app) as writer, psycopg.connect(two.home.owner) as mover:
        writer.execute(insert, stream)
        mover.execute("SET lock_timeout = '100ms'")
        with pytest.raises(errors.LockNotAvailable):
            mover.execute(freeze, (slot,))
        mover.rollback()
        writer.rollback()
        mover.execute(freeze, (slot,))
        mover.commit()
        with pytest.raises(errors.RestrictViolation, match="is frozen"):
            writer.execute(insert, stream)
        writer.rollback()
        mover.execute("SELECT pg_sleep(0.3)")
        writer.execute(insert, stream)


def test_a_freeze_that_ended_beside_a_writer_is_not_sealed(two):
    """It looked before the end and wrote after it; the mover asked in between, and waits."""
    slot = Slots(slot_of("oracle"), slot_of("oracle"))
    with (
        psycopg.connect(two.home.owner) as writer,
        psycopg.connect(two.home.owner, autocommit=True) as clock,
        moving(two.home.owner) as mover,
        ThreadPoolExecutor(1) as thread,
    ):
        clock.execute(SQL["freeze"], {"slot": slot.first, "seconds": 0.5})
        writer.execute("SELECT FROM shard.slots WHERE slot = %s FOR SHARE", (slot.first,))
        sealing = thread.submit(mover._sealed, mover._home, slot)
        clock.execute("SELECT pg_sleep(0.6)")
        assert not sealing.done()
        writer.execute(
            "INSERT INTO shard.registrations (agent_id, slot) VALUES ('as-an-event-would', 0)"
        )
        writer.commit()
        assert sealing.result() is False
        state = "SELECT state FROM shard.slots WHERE slot = %s"
        assert clock.execute(state, (slot.first,)).fetchone() == ("frozen",)


def test_two_carry_the_same_at_once(run, two):
    """One of them does; nobody is told of a fault."""
    agents = list(islice(named("twin"), 8))

    async def play():
        async with routing(two) as one, routing(two) as other:
            await beginning(one, [])
            await moved_beside(two, *EVERYTHING, "two")
            async with writing(two.home) as dies:
                for agent in agents:
                    await dies.give(c.RegisterAgent(agent_id=agent, user_id=ADA, archetype="x"))
            await asyncio.gather(one.learn(), other.learn())
            await asyncio.gather(one.carry(), other.carry())

    run(play())
    assert len(asked(two.two.owner, "SELECT FROM soulfra.agents")) == len(agents)
    assert asked(two.home.owner, "SELECT count(*) FROM shard.registrations") == [(0,)]
    assert faults(two) == [[], []]


def test_what_differs_is_not_moved(run, two):
    """The map stays, the source goes on, and the target takes nothing."""
    agent = AGENTS[0]
    slot = slot_of(agent)
    owner = "SELECT shard, epoch FROM shard.map WHERE slot = %s"

    async def play(tone):
        async with routing(two) as router:
            if tone is None:
                await beginning(router)
            else:
                await shift(router, tone)

    run(play(None))
    moved(two, slot, slot, "two")
    with psycopg.connect(two.home.owner, autocommit=True) as conn:
        conn.execute("UPDATE soulfra.agents SET archetype = 'liar' WHERE agent_id = %s", (agent,))
    with pytest.raises(Diverged, match="is not"):
        moved(two, slot, slot, "home")
    assert asked(two.home.owner, owner, slot) == [("two", 2)]
    run(play("grief"))
    with moving(two.home.owner) as mover:
        assert [each.slots.first for each in mover.undo()] == [slot]
        assert mover.undo() == []
    state = "SELECT state FROM shard.slots WHERE slot = %s"
    assert [asked(db.owner, state, slot) for db in two] == [[("away",)], [("here",)]]
    run(play("joy"))
    assert faults(two) == [[], []]


def test_only_one_moves_and_only_what_is_known(two):
    """A second mover, an unknown shard, a database that is another one, one that is not empty."""
    with moving(two.home.owner) as mover:
        with pytest.raises(Refused, match="another move"), moving(two.home.owner):
            pass
        with pytest.raises(Refused, match="is not known"):
            mover.move(0, 1, "three")
        with pytest.raises(errors.RaiseException, match="is another one"):
            mover.join("three", place_of(two.two))
        mover.join("two", place_of(two.two))
        mover.move(0, 0, "two")
        with pytest.raises(Refused, match="has slots"):
            mover.forget("two")
        mover.move(0, 0, "home")
        mover.forget("two")
        mover.join("two", place_of(two.two))
    with psycopg.connect(two.home.owner, autocommit=True) as conn:
        conn.execute("UPDATE shard.places SET place = %s WHERE name = 'two'", (place_of(two.home),))
    with pytest.raises(Diverged, match="is home"):
        moved(two, 0, 1, "two")


def test_home_prunes_nothing_and_a_shard_only_what_went(run, two):
    """Not even its owner can take away what is here."""

    async def play():
        async with routing(two) as router:
            await beginning(router)
            await moved_beside(two, *EVERYTHING, "two")

    run(play())
    prune = "SELECT shard.prune(ARRAY(SELECT generate_series(0, 4095)), 1000)"
    with pytest.raises(errors.RaiseException, match="home keeps"):
        asked(two.home.owner, prune)
    assert asked(two.two.owner, prune) == [(0,)]
    with pytest.raises(errors.InsufficientPrivilege):
        asked(two.two.app, prune)
    assert len(asked(two.two.owner, "SELECT FROM soulfra.agents")) == len(AGENTS)


def test_a_registration_left_behind_is_carried(run, two):
    """The process may die between home and the shard; who asks for the agent finds it."""
    agents = list(islice(named("late"), 6))

    async def play():
        async with routing(two) as router:
            await beginning(router, [])
        await moved_beside(two, *EVERYTHING, "two")
        async with writing(two.home) as dies:
            for agent in agents:
                await dies.give(c.RegisterAgent(agent_id=agent, user_id=ADA, archetype="x"))
        async with routing(two) as router:
            await shift(router, "joy", agents[:1])
            carried = await router.carry()
            with pytest.raises(Missing):
                await router.give(c.ShiftAgentTone(agent_id=next(named("nobody")), tone="joy"))
            return carried

    assert run(play()) == len(agents) - 1
    assert len(asked(two.two.owner, "SELECT FROM soulfra.agents")) == len(agents)
    for agent in agents:
        [first, *_] = asked(two.two.owner, LIFE, f"agent:{agent}")
        assert [first] == asked(two.home.owner, LIFE, f"agent:{agent}")
    assert faults(two) == [[], []]


def test_a_slot_of_the_database_is_the_slot_of_the_code(two):
    """Of ten thousand ids."""
    ids = [f"agent-{n}" for n in range(10_000)]
    query = "SELECT shard.slot_of(a) FROM unnest(%s::text[]) WITH ORDINALITY AS g (a, n) ORDER BY n"
    assert [row[0] for row in asked(two.home.app, query, ids)] == [slot_of(a) for a in ids]
