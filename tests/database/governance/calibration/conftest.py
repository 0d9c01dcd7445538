"""The room of calibration with a writer that only remembers, on a database of the test's own."""

import asyncio
from contextlib import asynccontextmanager

import psycopg
import pytest

from apps.bridge.tool import Caller
from apps.bridge.tools import use
from apps.governance.calibration.calibration import Calibration
from apps.governance.desk import Desk
from apps.governance.outcomes import Outcomes
from apps.governance.trails import Trails
from apps.postgres import PostgresSettings, pool
from schemas.governance.calls import Right
from schemas.governance.thresholds import Thresholds

AGENT = frozenset({Right.CHECK_IN, Right.READ, Right.WRITE})


class Writer:
    """Judges by what it is given."""

    thresholds = Thresholds()


class Bureau:
    """The tools of calibration and outcomes."""

    def __init__(self, database, store, trails) -> None:
        self.database, self.index = database, trails.index
        desk, trail = Desk(store), trails.audit
        self.writer = Writer()
        self.calibration = Calibration(desk, trail, self.writer)
        tools = (*self.calibration.tools(), *Outcomes(desk, trail).tools())
        self._tools = {tool.name: tool for tool in tools}

    async def call(self, tool: str, agent: str | None = "lumen", rights=None, **arguments):
        """What a tool answers; by an agent, or by the operator."""
        rights = rights or (frozenset(Right) if agent == "op" else AGENT)
        return await use(self._tools[tool], Caller(agent, "session-1", rights), arguments)

    async def events(self, what: str, kind: str) -> list[tuple]:
        """What the trail tells of one kind."""
        await self.index.caught_up()
        query = f"SELECT {what} FROM audit.events WHERE event_type = %s ORDER BY recorded_at"
        return self.rows(query, kind)

    def rows(self, query: str, *values) -> list[tuple]:
        """What the database holds."""
        with psycopg.connect(self.database.admin, autocommit=True) as conn:
            found = conn.execute(query, values or None)
            return found.fetchall() if found.description else []


@pytest.fixture
def bureau(governance_database, tmp_path):
    """Run a test's own coroutine with the room."""

    @asynccontextmanager
    async def opened():
        told = PostgresSettings(url=governance_database.app, min_conn=2, max_conn=8)
        trails = Trails(told, tmp_path / "audit_log.jsonl")
        async with pool(told) as store:
            await trails.begin()
            tasks = [asyncio.create_task(work) for _, work in trails.works()]
            try:
                yield Bureau(governance_database, store, trails)
            finally:
                await trails.close(*tasks)

    def run(story):
        async def told():
            async with opened() as made:
                return await story(made)

        return asyncio.run(told())

    return run
