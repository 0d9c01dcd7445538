"""Trails on a database of the test's own."""

import asyncio
import json
from contextlib import asynccontextmanager

import psycopg
import pytest

from apps.governance.trail.files import listing, opened
from apps.governance.trail.follow import Follower
from apps.governance.trail.index import connect
from apps.governance.trails import Trails
from apps.postgres import PostgresSettings
from schemas.governance.audit import Trail


class Ground:
    """A folder and a database, and what both hold."""

    def __init__(self, database, folder) -> None:
        self.database, self.path = database, folder / "audit_log.jsonl"
        self.told = PostgresSettings(url=database.app, min_conn=2, max_conn=4)

    @asynccontextmanager
    async def trails(self):
        """Both, alive."""
        made = Trails(self.told, self.path)
        await made.begin()
        tasks = [asyncio.create_task(work) for _, work in made.works()]
        try:
            yield made
        finally:
            await made.close(*tasks)

    def follower(self, journal) -> Follower:
        """One that begins where Postgres says."""
        return Follower(Trail.AUDIT_LOG, journal)

    def connect(self):
        """A connection as the index has it."""
        return connect(self.told)

    def lines(self) -> list[str]:
        """The ids of all lines, in the order of the chain."""
        found = []
        for file in listing(self.path):
            with opened(file.path) as lines:
                found += [json.loads(line)["event_id"] for line in lines]
        return found

    def rows(self, query: str = "SELECT event_id::text FROM audit.events") -> list[tuple]:
        """What the database holds."""
        with psycopg.connect(self.database.admin, autocommit=True) as conn:
            return conn.execute(query).fetchall()

    def is_same(self) -> bool:
        """Whether every line is one row, and every row one line."""
        return sorted(self.lines()) == sorted(event_id for (event_id,) in self.rows())


@pytest.fixture
def ground(governance_database, tmp_path) -> Ground:
    """For tests that change something."""
    return Ground(governance_database, tmp_path)
