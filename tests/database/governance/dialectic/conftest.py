"""Disputes on a database of the test's own, with a clock and a chance of the test's own."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from apps.bridge.tool import Caller
from apps.governance.desk import Desk
from apps.governance.dialectic.archive import Archive
from apps.governance.dialectic.disputes import Disputes
from apps.governance.dialectic.tools import dialectic_tools
from apps.governance.trails import Trails
from apps.postgres import PostgresSettings, pool

STATE = """
INSERT INTO core.agent_state (
       identity_id, boot_id, seq, body_sha256, recorded_at, received_at, late, energy, integrity,
       entropy, void, coherence, regime, health, risk, action, margin, nearest_edge, reason,
       warmth, clarity, stability, presence, state_json)
SELECT identity_id, 'boot-0001', (SELECT count(*) FROM core.agent_state),
       decode(repeat('00', 32), 'hex'), now(), now(), false,
       0.7, 0.8, 0.2, 0, 0.5, 'DIVERGENCE', 'healthy', 0.3, %(action)s,
       'tight', 'risk', 'as the test wants it', 0.4, 0.8, 0.9, 0.9, '{}'
  FROM core.identities WHERE agent_id = %(agent)s
"""


class Lobby:
    """A room with agents in it."""

    def __init__(self, database, index) -> None:
        self.database = database
        self.index = index
        self.now = datetime.now(UTC) + timedelta(seconds=1)
        self.picked: list[list[str]] = []

    def with_tools(self, disputes: Disputes, archive: Archive) -> "Lobby":
        """The same, with what can be done in it."""
        self.disputes = disputes
        self._tools = {tool.name: tool for tool in dialectic_tools(disputes, archive)}
        return self

    async def call(self, tool: str, agent: str | None, **arguments):
        """What a tool answers an agent."""
        made = self._tools[tool]
        return await made.run(Caller(agent), made.takes.model_validate(arguments))

    def later(self, **of: float) -> None:
        """Let time pass."""
        self.now += timedelta(**of)

    def pick(self, fit):
        """The first of those who could review."""
        self.picked.append(list(fit))
        return fit[0]

    def rows(self, query: str, *values) -> list[tuple]:
        """What the database holds."""
        with psycopg.connect(self.database.admin, autocommit=True) as conn:
            found = conn.execute(query, values or None)
            return found.fetchall() if found.description else []

    async def events(self, what: str, where: str = "true") -> list[tuple]:
        """What the trail tells, but that it was opened."""
        await self.index.caught_up()
        where = f"event_type <> 'trail_opened' AND {where}"
        query = f"SELECT {what} FROM audit.events WHERE {where} ORDER BY recorded_at, event_type"
        return self.rows(query)

    def agent(self, name: str, *, status="active", action="proceed", heard_hours=0.0) -> None:
        """An agent that was heard, as an operator left it."""
        with psycopg.connect(self.database.admin, autocommit=True) as conn:
            conn.execute(
                "INSERT INTO core.identities (agent_id, last_activity_at)"
                " VALUES (%s, now() - %s * interval '1 hour')",
                [name, heard_hours],
            )
            conn.execute(STATE, {"agent": name, "action": action})
        if status != "active":
            self.operator(name, status)

    def operator(self, name: str, status: str) -> None:
        """What only an operator may do by hand."""
        self.rows("UPDATE core.identities SET status = %s WHERE agent_id = %s", status, name)

    def status(self, name: str) -> str:
        """Where an agent is in its life."""
        return self.rows("SELECT status FROM core.identities WHERE agent_id = %s", name)[0][0]

    async def opened(self, agent="lumen", **asked) -> str:
        """A dispute; gives its id."""
        return (await self.call("request_review", agent, **asked)).session.session_id

    async def answered(self, agent="lumen", opened=None, **asked) -> tuple[str, str]:
        """A dispute in its first round; gives its id and its reviewer."""
        told = (opened or await self.call("request_review", agent, **asked)).session
        session_id, reviewer = told.session_id, told.reviewer_agent_id
        await self.call("submit_thesis", agent, session_id=session_id, root_cause="V ran away")
        await self.call("submit_antithesis", reviewer, session_id=session_id, reasoning="Again?")
        return session_id, reviewer

    async def agreed_in(self, opened) -> str:
        """The same in one that was just opened."""
        return await self.agreed(opened.session.paused_agent_id, opened=opened)

    async def agreed(self, agent="lumen", action=None, **asked) -> str:
        """A dispute in which both agree; gives its id."""
        session_id, reviewer = await self.answered(agent, **asked)
        for who in (agent, reviewer):
            await self.call(
                "submit_synthesis", who, session_id=session_id, agrees=True,
                proposed_action=action, reasoning=f"as {len(who)} {self.now}",
            )  # fmt: skip
            self.later(seconds=1)
        return session_id


@pytest.fixture
def lobby(governance_database, tmp_path: Path):
    """Run a test's own coroutine with a room."""

    @asynccontextmanager
    async def opened():
        told = PostgresSettings(url=governance_database.app, min_conn=2, max_conn=8)
        trails = Trails(told, tmp_path / "audit_log.jsonl")
        async with pool(told) as store:
            await trails.begin()
            tasks = [asyncio.create_task(work) for _, work in trails.works()]
            desk, made = Desk(store), Lobby(governance_database, trails.index)
            disputes = Disputes(desk, trails.audit, now=lambda: made.now, pick=made.pick)
            try:
                yield made.with_tools(disputes, Archive(desk, trails.audit))
            finally:
                await trails.close(*tasks)

    def run(story):
        async def told():
            async with opened() as made:
                return await story(made)

        return asyncio.run(told())

    return run
