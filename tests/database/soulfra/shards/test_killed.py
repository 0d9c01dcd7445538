"""Slots move to and fro under load while their mover is killed: nothing is lost, twice or nowhere.

What was answered is written down outside the databases. ABODE_SOAK=1 is the long form.
"""

import asyncio
import logging
import os
import sys
import time
from collections import Counter
from random import Random
from uuid import UUID

import pytest

from apps.soulfra.given import Done
from apps.soulfra.slots import slot_of
from schemas.errors import Refused, Unreachable
from schemas.soulfra import commands as c
from schemas.soulfra.words import SLOTS, Tone
from tests.database.soulfra.shards.conftest import LAST, asked, moving, named, routing

log = logging.getLogger("soulfra")
ADA = UUID(int=1)
SOAK = bool(os.environ.get("ABODE_SOAK"))
ROUNDS = 60 if SOAK else 5
WRITERS = 8
AGENTS = 120
KILLED_WITHIN = 1.0
"""Seconds: a move of all these slots takes about as long beside the load."""


TOO_SLOW = "of being frozen"
"""So a mover ends that the slots could not be held for."""


class Ledger:
    """What was asked and what came of it, kept by whoever asked."""

    def __init__(self):
        self.acknowledged = Counter()
        self.unknown = Counter()
        self.registered = set()
        self.longest = 0.0


async def writes(number, router, ledger, over):
    """Registers, shifts and whispers until it is over; each again, by its id, until it is known."""
    random = Random(number)
    mine, names = [], named(f"w{number}")
    while not over.is_set():
        if len(mine) < AGENTS // WRITERS and random.random() < 0.3:
            mine.append(next(names))
            body = c.RegisterAgent(agent_id=mine[-1], user_id=ADA, archetype="oracle")
        elif not mine:
            continue
        elif random.random() < 0.2:
            body = c.ShiftAgentTone(agent_id=next(named(f"nobody{number}")), tone="joy")
        else:
            body = c.ShiftAgentTone(agent_id=random.choice(mine), tone=random.choice(list(Tone)))
        command_id = UUID(int=random.getrandbits(128), version=4)
        began = asyncio.get_running_loop().time()
        done = await given(router, body, command_id)
        ledger.longest = max(ledger.longest, asyncio.get_running_loop().time() - began)
        if isinstance(done, Done):
            if isinstance(body, c.RegisterAgent):
                ledger.registered.add(body.agent_id)
            ledger.acknowledged[body.agent_id] += 1
            assert done.answer.version == ledger.acknowledged[body.agent_id]


async def given(router, body, command_id):
    """What became of it in the end."""
    while True:
        try:
            return await router.give(body, command_id)
        except Unreachable:
            await asyncio.sleep(0.05)
        except Refused as error:
            return error


async def moves(seed, two, ledger, over):
    """All slots there, back, there: the mover is killed at a seeded moment of each round."""
    random = Random(seed)
    steps = Counter()
    for number in range(ROUNDS):
        target = ("two", "home")[number % 2]
        words = (two.home.owner, "0", str(LAST), target, str(random.choice([8, 32, 256])))
        mover = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.soulfra.mover", *words, stderr=asyncio.subprocess.PIPE
        )
        try:
            async with asyncio.timeout(0.25 + random.random() * KILLED_WITHIN):
                ended, said = await mover.wait(), (await mover.stderr.read()).decode()
            assert ended == 0 or TOO_SLOW in said, said
            steps["too slow" if ended else "whole"] += 1
        except TimeoutError:
            mover.kill()
            await mover.wait()
        unfinished = await asyncio.to_thread(
            asked,
            two.home.owner,
            "SELECT step FROM shard.moves WHERE step IN ('copying', 'flipped')",
        )
        steps.update(step for (step,) in unfinished)
        await asyncio.to_thread(ends, two, target, random.random() < 0.3)
    over.set()
    return steps


def ends(two, target, undo):
    """Somebody comes after it: goes on, or first takes back."""
    # The server sees that its client is dead when it next writes to it.
    asked(
        two.home.admin,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        " AND usename = 'soulfra_owner' AND pid <> pg_backend_pid()",
    )
    with moving(two.home.owner) as mover:
        if undo:
            mover.undo()
        until = time.monotonic() + 60
        while True:
            try:
                mover.move(0, LAST, target, group=LAST + 1)
            except Unreachable as error:
                # On a busy machine; it is to be given again, and nothing was moved.
                if TOO_SLOW not in str(error) or time.monotonic() > until:
                    raise
            else:
                return


@pytest.mark.timeout(1800 if SOAK else 60)
@pytest.mark.parametrize("seed", range(4) if SOAK else [7])
def test_nothing_is_lost_twice_or_nowhere(run, two, seed):
    """Acknowledged is stored, stored was asked, every life whole on its own shard, hash by hash."""
    ledger = Ledger()

    async def play():
        over = asyncio.Event()
        async with routing(two, connections=8) as router:
            await router.give(c.RegisterUser(user_id=ADA, username="ada", email="ada@x.org"))
            *_, steps = await asyncio.gather(
                *(writes(seed * 100 + n, router, ledger, over) for n in range(WRITERS)),
                moves(seed, two, ledger, over),
            )
            await router.learn()
            await router.carry()
            return steps, router.moved

    steps, moved = run(play())
    owner = dict(asked(two.home.owner, "SELECT slot, shard FROM shard.map"))
    assert len(owner) == SLOTS
    held = {
        name: {
            slot
            for slot, state in asked(db.owner, "SELECT slot, state FROM shard.slots")
            if state == "here"
        }
        for name, db in two.each.items()
    }
    assert held["home"].isdisjoint(held["two"])
    assert {slot: name for name, slots in held.items() for slot in slots} == owner
    lives = {
        name: dict(
            asked(
                db.owner,
                "SELECT substr(stream, 7), array_agg(version ORDER BY version) FROM log.events"
                " WHERE stream LIKE 'agent:%' GROUP BY stream",
            )
        )
        for name, db in two.each.items()
    }
    for agent, count in ledger.acknowledged.items():
        there = owner[slot_of(agent)]
        assert lives[there][agent] == list(range(1, count + 1)), (agent, there)
    for name, found in lives.items():
        assert found.keys() <= ledger.registered, name
    assert all(owner[slot_of(agent)] == "two" for agent in lives["two"])
    assert lives["home"].keys() == ledger.registered
    for db in two:
        assert asked(db.owner, "SELECT * FROM log.verify(NULL)") == []
        assert asked(db.owner, STALE) == []
    assert asked(two.home.owner, "SELECT count(*) FROM shard.registrations") == [(0,)]
    assert moved > 0
    assert sum(ledger.acknowledged.values()) > 200
    log.info(
        "%d acknowledged, %d sent on, %s, longest wait %.2f s",
        sum(ledger.acknowledged.values()), moved, dict(steps), ledger.longest,
    )  # fmt: skip


STALE = """
SELECT a.agent_id FROM soulfra.agents AS a
 WHERE row(a.current_tone, a.version)::text IS DISTINCT FROM (
       SELECT row(coalesce(e.data ->> 'after', e.data ->> 'tone'), e.version)::text
         FROM log.events AS e WHERE e.stream = 'agent:' || a.agent_id
        ORDER BY e.version DESC LIMIT 1)
"""
"""Agents that are not as their own log says."""
