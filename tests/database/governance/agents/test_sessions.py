"""Sessions and identities: Postgres knows whose they are, the cache only repeats it."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from apps.bridge.refusals import Busy
from apps.governance.report import Report, report
from apps.governance.sessions import NEAR_LIMIT, Sessions
from apps.redis_line import RedisSettings, connect
from schemas.bridge import CheckIn
from schemas.errors import Refused

NOW = datetime.now(UTC)
CALM = {"warmth": 0.4, "clarity": 0.8, "stability": 0.9, "presence": 0.9}


def said(seq: int, agent: str = "lumen") -> Report:
    """A keyed check-in."""
    message = CheckIn.model_validate({"anima": CALM, "boot_id": "boot-0001", "seq": seq})
    return report(agent, message, NOW)


def ask(database, query: str) -> list[tuple]:
    """What the database holds."""
    with psycopg.connect(database.admin, autocommit=True) as conn:
        return conn.execute(query).fetchall()


async def settled(redis, pattern="session:*") -> dict[str, str]:
    """What Redis holds once what was to be told is told."""
    await asyncio.sleep(0.1)
    names = redis.cli("--scan", "--pattern", pattern).split()
    return {name: redis.cli("GET", name) for name in names}


def test_a_cached_session_needs_no_database(redis):
    """Redis answers first, and it is counted."""

    async def run():
        sessions = Sessions(None, redis.line())
        redis.cli("SET", "session:s-1", "lumen")
        found = await sessions.agent("s-1")
        await sessions.close()
        return found, sessions.hits, sessions.misses

    assert asyncio.run(run()) == ("lumen", 1, 0)


def test_the_cache_holds_only_what_postgres_confirmed(living, governance_database, tmp_path, redis):
    """An agent that names another's session gets it neither there nor here."""

    async def run():
        line = redis.line()
        async with living(governance_database, tmp_path, redis=line) as (made, sessions, _):
            await made.handle(said(1)._replace(session_id="s-1"))
            await asyncio.sleep(0.05)
            await made.handle(said(1, agent="ember")._replace(session_id="s-1"))
            held = await settled(redis)
            return await sessions.agent("s-1"), held

    assert asyncio.run(run()) == ("lumen", {"session:s-1": "lumen"})


def test_an_expired_session_may_be_bound_anew(living, governance_database, tmp_path, redis):
    """Its old agent has lost it; the new one has it, in the cache no longer than in the row."""
    overdue = "UPDATE core.sessions SET expires_at = now() - interval '1 s' RETURNING 1"
    soon = "UPDATE core.sessions SET expires_at = now() + interval '90 s' RETURNING 1"

    async def run():
        line = redis.line()
        async with living(governance_database, tmp_path, redis=line) as (made, sessions, _):
            await made.handle(said(1)._replace(session_id="s-1"))
            ask(governance_database, overdue)
            await settled(redis)
            redis.cli("FLUSHALL")
            between = await sessions.agent("s-1")
            later = said(1, agent="ember")._replace(received_at=datetime.now(UTC))
            await made.handle(later._replace(session_id="s-1"))
            ask(governance_database, soon)
            await settled(redis)
            redis.cli("FLUSHALL")
            after = await sessions.agent("s-1")
            await settled(redis)
            return between, after

    assert asyncio.run(run()) == (None, "ember")
    assert 80 < int(redis.cli("TTL", "session:s-1")) <= 90


def test_every_key_has_a_lifetime(room, redis, governance_database):
    """Also the one that a look-up put there."""

    async def run():
        async with room() as here:
            await here.identities.tell("lumen")
            await here.sessions.bind("s-1", "lumen")
            await settled(redis)

    asyncio.run(run())
    assert 86_000 < int(redis.cli("TTL", "session:s-1")) <= 86_400


def test_of_32_that_bind_one_session_at_once_one_gets_it(room, governance_database):
    """All are told whose it is, and so is whoever looks."""

    async def run():
        async with room(connections=12) as here:
            for n in range(32):
                await here.identities.tell(f"agent-{n}")
            asked = [bound(here, f"agent-{n}") for n in range(32)]
            return await asyncio.gather(*asked), await here.sessions.agent("s-1")

    async def bound(here, agent):
        while True:
            try:
                return await here.sessions.bind("s-1", agent)
            except Busy:
                await asyncio.sleep(0.01)

    whose, seen = asyncio.run(run())
    rows = ask(governance_database, "SELECT count(*) FROM core.sessions")

    assert set(whose) == {seen}
    assert rows == [(1,)]


def test_a_session_is_bound_to_nobody_that_is_not_there(room, governance_database):
    """No ghost is made for it."""

    async def run():
        async with room() as here:
            with pytest.raises(Refused):
                await here.sessions.bind("s-1", "ghost")

    asyncio.run(run())
    assert ask(governance_database, "SELECT agent_id FROM core.identities") == []


def test_a_session_in_use_lives_on_in_both_places(room, redis, governance_database):
    """Once a minute: the row first, and by it the cache."""
    worn = ("UPDATE core.sessions SET last_active = now() - interval '2 min',"
            " expires_at = now() + interval '50 s' RETURNING 1")  # fmt: skip

    async def run():
        async with room() as here:
            await here.identities.tell("lumen")
            await here.sessions.bind("s-1", "lumen")
            await settled(redis)
            ask(governance_database, worn)
            redis.cli("EXPIRE", "session:s-1", "50")
            before = await here.sessions.agent("s-1")
            await here.sessions.slide()
            await settled(redis)
            return before

    assert asyncio.run(run()) == "lumen"
    assert int(redis.cli("TTL", "session:s-1")) > 86_000
    assert ask(
        governance_database,
        "SELECT expires_at > now() + interval '23 h',"
        " last_active > now() - interval '9 s' FROM core.sessions",
    ) == [(True, True)]


def test_a_cached_session_whose_row_is_gone_goes_too(room, redis, governance_database):
    """Its next use finds out."""

    async def run():
        async with room() as here:
            await here.identities.tell("lumen")
            await here.sessions.bind("s-1", "lumen")
            await settled(redis)
            ask(governance_database, "DELETE FROM core.sessions RETURNING 1")
            await here.sessions.agent("s-1")
            await here.sessions.slide()
            return await settled(redis), await here.sessions.agent("s-1")

    assert asyncio.run(run()) == ({}, None)


def test_an_ended_session_is_taken_from_redis_when_it_is_back(room, redis):
    """The order to forget waits for it."""

    async def run():
        async with room() as here:
            await here.identities.tell("lumen")
            await here.sessions.bind("s-1", "lumen")
            await settled(redis)
            redis.stop()
            here.sessions.forget(["s-1"])
            await asyncio.sleep(0.3)
            redis.begin()
            kept = redis.cli("GET", "session:s-1")
            for _ in range(50):
                here.sessions._wake.set()
                await asyncio.sleep(0.1)
                if not redis.cli("GET", "session:s-1"):
                    break
            return kept, redis.cli("GET", "session:s-1")

    assert asyncio.run(run()) == ("lumen", "")


def test_a_wipe_in_the_midst_of_traffic_loses_nobody(room, redis, governance_database):
    """40 sessions asked for by 32 callers while Redis is wiped ten times: each look-up is right."""
    agents = {f"s-{n}": f"agent-{n}" for n in range(40)}

    async def run():
        async with room() as here:
            for session_id, agent in agents.items():
                await here.identities.tell(agent)
                await here.sessions.bind(session_id, agent)
            before = ask(governance_database, "SELECT count(*) FROM core.identities")
            wrong, done = [], asyncio.Event()

            async def caller(number):
                asked = 0
                while not done.is_set():
                    session_id = f"s-{(number + asked) % 40}"
                    asked += 1
                    if (found := await here.sessions.agent(session_id)) != agents[session_id]:
                        wrong.append((session_id, found))
                return asked

            callers = [asyncio.create_task(caller(n)) for n in range(32)]
            for _ in range(10):
                await asyncio.to_thread(redis.cli, "FLUSHALL")
                await asyncio.sleep(0.1)
            done.set()
            asked = sum(await asyncio.gather(*callers))
            after = ask(governance_database, "SELECT count(*) FROM core.identities")
            return wrong, asked, here.sessions, before == after

    wrong, asked, sessions, no_ghosts = asyncio.run(run())

    assert wrong == []
    assert no_ghosts
    assert asked > 1_000
    assert sessions.misses >= 40
    assert sessions.hits + sessions.misses == asked


def test_without_redis_this_process_remembers_and_postgres_knows(room, redis, governance_database):
    """Counted; what is remembered is bounded, and asks again after a minute."""

    async def run():
        async with room(line=connect(RedisSettings(socket=Path("/nowhere/redis.sock")))) as here:
            await here.identities.tell("lumen")
            await here.sessions.bind("s-1", "lumen")
            first = await here.sessions.agent("s-1")
            ask(governance_database, "DELETE FROM core.sessions RETURNING 1")
            remembered = await here.sessions.agent("s-1")
            for session_id, (agent, _) in list(here.sessions._near.items()):
                here.sessions._near[session_id] = (agent, 0.0)  # a minute later
            later = await here.sessions.agent("s-1")
            here.sessions.remember({f"s-{n}": ("x", 60.0) for n in range(NEAR_LIMIT + 50)})
            await asyncio.sleep(0.1)
            return first, remembered, later, here.sessions

    first, remembered, later, sessions = asyncio.run(run())

    assert (first, remembered, later) == ("lumen", "lumen", None)
    assert (sessions.hits, sessions.fallback) == (0, 3)
    assert sessions.dropped > 0
    assert len(sessions._near) == NEAR_LIMIT


def test_redis_dies_and_comes_back_in_the_midst_of_traffic(room, redis):
    """Each look-up is answered, and Redis answers again at the end."""

    async def run():
        async with room() as here:
            for n in range(8):
                await here.identities.tell(f"agent-{n}")
                await here.sessions.bind(f"s-{n}", f"agent-{n}")
            wrong, done = [], asyncio.Event()

            async def caller(number):
                while not done.is_set():
                    if await here.sessions.agent(f"s-{number}") != f"agent-{number}":
                        wrong.append(number)
                    await asyncio.sleep(0.002)

            callers = [asyncio.create_task(caller(n)) for n in range(8)]
            await asyncio.to_thread(redis.stop)
            await asyncio.sleep(0.3)
            await asyncio.to_thread(redis.begin)
            hits = here.sessions.hits
            for _ in range(200):
                await asyncio.sleep(0.05)
                if here.sessions.hits >= hits + 100:
                    break
            done.set()
            await asyncio.gather(*callers)
            return wrong, here.sessions.fallback, here.sessions.hits - hits

    wrong, fallback, hits = asyncio.run(run())

    assert wrong == []
    assert fallback > 0
    assert hits >= 100


def test_without_redis_check_ins_go_on_and_sessions_are_true(living, governance_database, tmp_path):
    """What the cache did not take is counted; Postgres knows whose session it is."""

    async def run():
        async with living(governance_database, tmp_path) as (made, sessions, _):
            await made.handle(said(1)._replace(session_id="s-1"))
            await made.handle(said(1, agent="ember")._replace(session_id="s-1"))
            found = await sessions.agent("s-1"), await sessions.agent("s-2")
            await asyncio.sleep(0.05)
            return found, sessions.dropped

    found, dropped = asyncio.run(run())

    assert found == ("lumen", None)
    assert dropped > 0


@pytest.mark.parametrize("first", ["describe", "tell", "check in"])
def test_a_new_identity_is_in_the_trail(living, governance_database, tmp_path, first):
    """Once, in the table and in the raw lines, whatever made it known."""

    async def run():
        async with living(governance_database, tmp_path) as (made, _, identities):
            if first == "describe":
                await identities.describe("lumen", {"purpose": "to draw"})
            elif first == "tell":
                await identities.tell("lumen")
            await made.handle(said(1))
            await identities.tell("lumen")

    asyncio.run(run())
    lines = map(json.loads, (tmp_path / "audit_log.jsonl").read_text().splitlines())
    rows = ask(governance_database, "SELECT event_id::text FROM audit.events"
               " WHERE event_type = 'identity_created' AND agent_id = 'lumen'")  # fmt: skip

    assert len(rows) == 1
    assert rows == [(x["event_id"],) for x in lines if x["event_type"] == "identity_created"]
