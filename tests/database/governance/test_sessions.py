"""Sessions and identities: Postgres knows whose they are, the cache only repeats it."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime

import psycopg
import pytest
from redis.asyncio import Redis

from apps.governance.report import Report, report
from apps.governance.sessions import Sessions
from schemas.bridge import CheckIn

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


class Cache(Redis):
    """A Redis that is only a dictionary."""

    def __init__(self, **held):
        super().__init__()
        self.held, self.lives = held, {}

    async def get(self, name):
        """What is held."""
        return self.held.get(name)

    def pipeline(self, transaction):
        """It is its own."""
        return self

    def set(self, name, value, ex):
        """Hold it, and for how long."""
        self.held[name], self.lives[name] = value, ex

    async def execute(self):
        """Nothing is left to do."""
        return []


def test_a_cached_session_needs_no_database():
    """Redis answers first."""
    sessions = Sessions(None, Cache(**{"session:s-1": "lumen"}))

    assert asyncio.run(sessions.agent("s-1")) == "lumen"


def test_the_cache_holds_only_what_postgres_confirmed(living, governance_database, tmp_path):
    """An agent that names another's session gets it neither there nor here."""
    cache = Cache()

    async def run():
        async with living(governance_database, tmp_path, redis=cache) as (made, sessions, _):
            await made.handle(replace(said(1), session_id="s-1"))
            await asyncio.sleep(0.05)
            await made.handle(replace(said(1, agent="ember"), session_id="s-1"))
            await asyncio.sleep(0.05)
            return await sessions.agent("s-1")

    assert asyncio.run(run()) == "lumen"
    assert cache.held == {"session:s-1": "lumen"}


def test_an_expired_session_may_be_bound_anew(living, governance_database, tmp_path):
    """Its old agent has lost it; the new one has it from now on, and in the cache no longer."""
    cache = Cache()
    overdue = "UPDATE core.sessions SET expires_at = now() - interval '1 s' RETURNING 1"
    soon = "UPDATE core.sessions SET expires_at = now() + interval '90 s' RETURNING 1"

    async def run():
        async with living(governance_database, tmp_path, redis=cache) as (made, sessions, _):
            await made.handle(replace(said(1), session_id="s-1"))
            ask(governance_database, overdue)
            await asyncio.sleep(0.05)
            cache.held.clear()
            between = await sessions.agent("s-1")
            later = replace(said(1, agent="ember"), received_at=datetime.now(UTC))
            await made.handle(replace(later, session_id="s-1"))
            ask(governance_database, soon)
            await asyncio.sleep(0.05)
            cache.held.clear()
            after = await sessions.agent("s-1")
            await asyncio.sleep(0.05)
            return between, after

    assert asyncio.run(run()) == (None, "ember")
    assert 80 < cache.lives["session:s-1"] <= 90


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


def test_without_redis_check_ins_go_on_and_sessions_are_true(living, governance_database, tmp_path):
    """What the cache did not take is counted; Postgres knows whose session it is."""

    async def run():
        async with living(governance_database, tmp_path) as (made, sessions, _):
            await made.handle(replace(said(1), session_id="s-1"))
            await made.handle(replace(said(1, agent="ember"), session_id="s-1"))
            found = await sessions.agent("s-1"), await sessions.agent("s-2")
            return found, sessions.dropped

    found, dropped = asyncio.run(run())

    assert found == ("lumen", None)
    assert dropped > 0
