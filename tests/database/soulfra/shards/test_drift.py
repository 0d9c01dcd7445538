"""Drift and transformations of agents that move: the same as if they had never moved."""

from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as Late
from datetime import UTC, datetime
from itertools import islice

import psycopg
import pytest

from apps.soulfra import drift, recount
from apps.soulfra.changes import FOLLOWER, follow_changes
from apps.soulfra.log import SQL as LOG
from apps.soulfra.shards import drift as everywhere
from schemas.soulfra import commands as c
from tests.database.soulfra.shards.conftest import asked, moved, moved_beside, named, routing
from tests.database.soulfra.shards.test_two import EVERYTHING, HALF, beginning, of_second, shift

AGENTS = list(islice(named("agent"), 12))
LIFE = (
    "SELECT data ->> 'before', data ->> 'after', recorded_at FROM log.events"
    " WHERE stream = %s AND type = 'tone_shifted' ORDER BY version"
)
CHANGED = (
    "SELECT from_value, to_value, changed_at FROM soulfra.transformations"
    " WHERE agent_id = %s ORDER BY id"
)
TONES = ("joy", "grief", "calm", "anger")
ROUNDS = ("two", None, "home", None, "two", "home", "two", None)
"""Where the lower half goes, or nowhere, before each shift."""


async def caught_up(router):
    """Every follower of every shard, to its end."""
    for store in router.pools:
        async with store.connection() as conn:
            while await drift.counted(conn) or await follow_changes(conn):
                pass


async def said(router, at):
    """The whole, and each agent, at an instant."""
    whole = await everywhere.told(router, at)
    return whole, [await everywhere.told_of(router, "agent", agent, at) for agent in AGENTS]


async def anew(database):
    """Home's log counted from nothing: whatever came home is part of it."""
    conn = await psycopg.AsyncConnection.connect(
        database.owner, autocommit=True, options="-c timezone=UTC"
    )
    async with conn:
        await recount.anew(conn)


def same(one, other):
    """To the float for each agent; sums are added up in another order."""
    (whole, each), (also, rest) = one, other
    assert each == rest
    assert (whole.agents, whole.loops, whole.more) == (also.agents, also.loops, also.more)
    assert whole.critical == also.critical
    assert whole.index == pytest.approx(also.index, rel=1e-12)


@pytest.mark.parametrize("lazy", [False, True], ids=["followed", "followed-late"])
def test_a_life_counts_the_same_wherever_it_was_lived(run, two, lazy):
    """There and back again, whether followers are quick or come after all of it."""

    async def play():
        async with routing(two) as router:
            await beginning(router, AGENTS)
            await router.give(c.Whisper(loop_id="rain", agent_id=AGENTS[0], text="x", tone="joy"))
            await router.give(c.ShiftLoopTone(loop_id="rain", tone="grief"))
            await shift(router, "fear", AGENTS)
            for n, target in enumerate(ROUNDS):
                if target:
                    await moved_beside(two, *HALF, target)
                await shift(router, TONES[n % 4], AGENTS)
                if not lazy:
                    await caught_up(router)
            await caught_up(router)
            changed = {
                agent: (asked(db.owner, LIFE, f"agent:{agent}"), asked(db.owner, CHANGED, agent))
                for agent in AGENTS
                for db in (two.two if agent in of_second(AGENTS) else two.home,)
            }
            at = datetime.now(UTC)
            away = await said(router, at)
            await moved_beside(two, *EVERYTHING, "home")
            await caught_up(router)
            back = await said(router, at)
            await anew(two.home)
            return away, back, await said(router, at), changed

    away, back, whole, changed = run(play())
    assert 0 < len(of_second(AGENTS)) < len(AGENTS)
    assert [each.shifts for each in away[1]] == [len(ROUNDS) + 1] * len(AGENTS)
    assert {f"agent:{agent}" for agent in AGENTS} <= {
        f"{each.entity}:{each.id}" for each in away[0].critical
    }
    same(away, whole)
    same(back, whole)
    for life, transformations in changed.values():
        assert len(life) == len(ROUNDS) + 1
        assert transformations == life
    for agent in AGENTS:
        life = asked(two.home.owner, LIFE, f"agent:{agent}")
        assert asked(two.home.owner, CHANGED, agent) == life
    for query in ("SELECT * FROM drift.ratings", "SELECT * FROM soulfra.transformations"):
        assert asked(two.two.owner, query) == []


def test_an_index_is_of_no_move(run, two):
    """What home counted of those that are away is not in it twice, nor is it missing."""

    async def play():
        async with routing(two) as router:
            await beginning(router, AGENTS)
            await shift(router, "joy", AGENTS)
            await caught_up(router)
            at = datetime.now(UTC)
            before = await said(router, at)
            await moved_beside(two, *HALF, "two")
            await router.learn()
            await caught_up(router)
            # Another process, which knows the map only now.
            async with routing(two) as other:
                return before, await said(router, at), await said(other, at)

    before, *after = run(play())
    for each in after:
        same(before, each)


@pytest.mark.parametrize("follower", ["drift", FOLLOWER])
def test_what_follows_a_shard_is_waited_for_when_a_life_leaves_it(run, two, follower):
    """It would write of lives that are gone, and count them again when they come back."""

    async def play():
        async with routing(two) as router:
            await beginning(router, AGENTS)
            await moved_beside(two, *EVERYTHING, "two")
            await shift(router, "joy", AGENTS)

    run(play())
    with psycopg.connect(two.two.app) as following, ThreadPoolExecutor(1) as thread:
        if follower == FOLLOWER:
            following.execute(LOG["take_changes"])
        following.execute(LOG["begin_follower"], {"follower": follower})
        following.execute(LOG["follower"], {"follower": follower})
        leaving = thread.submit(moved, two, *EVERYTHING, "home")
        with pytest.raises(Late):
            leaving.result(1.5)
        following.rollback()
        leaving.result(20)
    assert asked(two.two.owner, "SELECT count(*) FROM soulfra.agents") == [(0,)]
