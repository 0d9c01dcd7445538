"""A move that dies before any of its statements: whoever comes after it ends it, or takes it back.

At every moment at most one database takes what is written, and it is the map's. ABODE_SOAK=1: each
statement, not each ninth.
"""

import os
from functools import partial
from itertools import count
from uuid import UUID

import psycopg
import pytest

from apps.soulfra.shards.move import Mover
from apps.soulfra.slots import slot_of
from schemas.soulfra import commands as c
from tests.database.soulfra.shards.conftest import OWNER, asked, moving, routing

ADA = UUID(int=1)
STRIDE = 1 if os.environ.get("ABODE_SOAK") else 9
AGENT = "oracle"
SLOT = slot_of(AGENT)
INSERT = (
    "SELECT log.append(jsonb_build_array(jsonb_build_object('stream', %(stream)s::text, 'version',"
    " max(version) + 1, 'type', 'tone_shifted', 'schema_version', 1, 'data', '{}'::jsonb,"
    " 'metadata', '{}'::jsonb))) FROM log.events WHERE stream = %(stream)s HAVING count(*) > 0"
)


class Killed(BaseException):
    """No code of a mover catches it; every transaction that is open ends as by a death."""


class Mortal(psycopg.Cursor):
    """A cursor whose process dies before its next statement."""

    left = 0

    def execute(self, *words, **more):
        """Unless it is dead."""
        Mortal.left -= 1
        if Mortal.left < 0:
            raise Killed
        return super().execute(*words, **more)


def owned(url):
    """As a mover is connected, mortal."""
    return psycopg.connect(url, autocommit=True, options="-c timezone=UTC", cursor_factory=Mortal)


def dies(two, target, statement):
    """Whether a move died before it was done."""
    Mortal.left = statement
    try:
        with owned(two.home.owner) as home:
            there = partial(Mover, home, lambda _, at: owned(f"postgresql://{OWNER}:{OWNER}@{at}"))
            there().move(SLOT, SLOT, target)
    except Killed:
        return True
    return False


def takers(two):
    """Where an event of the agent would be taken now; nothing is left of the try."""
    found = []
    for name, db in two.each.items():
        with psycopg.connect(db.app) as conn:
            try:
                rows = conn.execute(INSERT, {"stream": f"agent:{AGENT}"}).rowcount
            except psycopg.errors.RestrictViolation:
                rows = 0
            conn.rollback()
        found += [name] * rows
    return found


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("target", "after"), [("two", "undo"), ("home", "move"), ("home", "undo")])
def test_a_move_may_die_before_any_of_its_statements(run, two, after, target, monkeypatch):
    """There and back, over and over; the life grows by one event after each death."""
    # Frozen is frozen here: that it ends by itself is another test's.
    monkeypatch.setattr("apps.soulfra.shards.move.FREEZE_SECONDS", 600.0)
    source = {"two": "home", "home": "two"}[target]
    tones = (("joy", "fear")[n % 2] for n in count())
    seen = []

    async def shift():
        async with routing(two) as router:
            await router.give(c.ShiftAgentTone(agent_id=AGENT, tone=next(tones)))

    async def beginning():
        async with routing(two) as router:
            await router.give(c.RegisterUser(user_id=ADA, username="ada", email="ada@x.org"))
            await router.give(c.RegisterAgent(agent_id=AGENT, user_id=ADA, archetype="x"))

    run(beginning())
    for turn, statement in enumerate(count(1, STRIDE), start=1):
        with moving(two.home.owner) as mover:
            mover.move(SLOT, SLOT, source)
        run(shift())
        died = dies(two, target, statement)
        [(owner,)] = asked(two.home.owner, "SELECT shard FROM shard.map WHERE slot = %s", SLOT)
        there = takers(two)
        assert there in ([], [owner]), statement
        seen.append((owner, bool(there)))
        with moving(two.home.owner) as mover:
            if after == "undo":
                mover.undo()
            assert list(mover.resume()) == [] or after == "move" or owner == target
        if not died:
            break
        [(ends,)] = asked(two.home.owner, "SELECT shard FROM shard.map WHERE slot = %s", SLOT)
        assert takers(two) == [ends]
        run(shift())
        for db in two:
            assert asked(db.owner, "SELECT * FROM log.verify(NULL)") == []
        lives = [
            asked(db.owner, "SELECT count(*) FROM log.events WHERE stream = %s", f"agent:{AGENT}")
            for db in two
        ]
        [life] = lives[ends == "two"]
        assert life == (2 * turn + 1,)
    assert {(source, True), (target, True)} <= set(seen)
    if STRIDE == 1:
        assert {(source, False), (target, False)} <= set(seen)
