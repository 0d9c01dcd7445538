"""What spans all shards is read, by a role that can do nothing else, beside soulfra's database."""

import uuid

import psycopg
import pytest
from psycopg import errors

from apps.soulfra.slots import slot_of
from schemas.server import SOULFRA
from schemas.soulfra import commands as c
from schemas.soulfra.server import REPORTS
from services.postgres import statement
from services.reports import statements
from services.roles import extension_sql
from tests.database.conftest import database_made
from tests.database.soulfra.shards.conftest import asked, moved_beside, routing
from tests.database.soulfra.shards.test_two import AGENTS, HALF, beginning

READER = "soulfra_ro"


@pytest.fixture
def reports(two, admin_dsn, second_address):
    """The database of reports on the first server, as a deploy makes it but for TLS."""
    name = f"soulfra_{uuid.uuid4().hex[:8]}_reports"
    common = {"port": "5432", "sslmode": "disable"}
    places = {
        "home": {**common, "host": "127.0.0.1", "dbname": two.home.name},
        "two": {**common, "host": second_address, "dbname": two.two.name},
    }
    with database_made(admin_dsn, name, tenant=SOULFRA) as made:
        with psycopg.connect(made.admin, autocommit=True) as conn:
            there = conn.execute(statement("postgres/extensions.sql")).fetchone()[0]
            for _, sql in extension_sql(REPORTS, there):
                conn.execute(sql)
            for _ in range(2):  # made again, it is the same
                with conn.transaction():
                    conn.execute("\n".join(statements(places, READER)))
        yield made


def test_each_shard_counts_its_own(run, two, reports):
    """Home's register of who went away is not counted; each server answers one question."""

    async def play():
        async with routing(two) as router:
            await beginning(router)
            await moved_beside(two, *HALF, "two")

    run(play())
    lower = sum(slot_of(agent) <= HALF[1] for agent in AGENTS)
    counts = asked(reports.reader, "SELECT shard, agents FROM report.shards ORDER BY shard")
    assert counts == [("home", len(AGENTS) - lower), ("two", lower)]
    plan = "\n".join(
        row[0] for row in asked(reports.reader, "EXPLAIN VERBOSE SELECT * FROM report.shards")
    )
    assert plan.count("count(*)") == plan.count("Remote SQL: SELECT") * 2 == 4
    assert plan.count("soulfra.agents r1 INNER JOIN shard.slots r2") == 2


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE report.two_agents SET current_tone = 'joy'",
        "DELETE FROM report.two_slots",
        "TRUNCATE report.two_agents",
        "INSERT INTO report.two_slots (slot, state) VALUES (1, 'here')",
        "DROP FOREIGN TABLE report.two_agents",
        "CREATE TABLE report.mine (a integer)",
    ],
)
def test_a_report_changes_nothing(reports, change):
    """Whatever it tries."""
    refusals = (errors.InsufficientPrivilege, errors.ObjectNotInPrerequisiteState)
    with pytest.raises(refusals):
        asked(reports.reader, change)


def test_nobody_else_reads_through_it(reports):
    """The process has no way to another shard but its own connections."""
    with pytest.raises(errors.InsufficientPrivilege):
        asked(reports.app, "SELECT FROM report.shards")


def test_a_command_does_not_need_it(run, two):
    """None of them asks it: it is not there."""

    async def play():
        async with routing(two) as router:
            await beginning(router, AGENTS[:1])
            return await router.give(c.ShiftAgentTone(agent_id=AGENTS[0], tone="joy"))

    assert run(play()).answer.version == 2
    assert asked(two.home.admin, "SELECT FROM pg_extension WHERE extname = 'postgres_fdw'") == []
