"""/health says healthy only of what it has just proved."""

import asyncio
import json
import time
from contextlib import asynccontextmanager

import psycopg
import pytest

from apps.governance import health as room
from apps.governance.audit import AuditLog
from apps.governance.checkins import Checkins
from apps.governance.desk import Desk
from apps.governance.health import Health
from apps.governance.maintenance import Maintenance
from apps.governance.sessions import Sessions
from apps.governance.verdict import Thresholds
from apps.postgres import PostgresSettings, pool
from apps.redis_line import RedisSettings, connect
from schemas.governance.calls.health import State

SAID = {"anima": {"warmth": 0.4, "clarity": 0.8, "stability": 0.9, "presence": 0.9}}
KILL = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


def told(database, *statements: str) -> list[tuple]:
    """What the superuser does; gives what the last statement says."""
    with psycopg.connect(database.admin, autocommit=True) as conn:
        for statement in statements:
            said = conn.execute(statement)
        return said.fetchall() if said.description else []


@pytest.fixture
def watched(governance_database, tmp_path):
    """A health of its own, and what it thinks is lost."""

    @asynccontextmanager
    async def one():
        lost: list[str] = []
        async with pool(PostgresSettings(url=governance_database.app, max_conn=4)) as store:
            audit = AuditLog(tmp_path / "audit_log.jsonl")
            sessions = Sessions(Desk(store), connect(RedisSettings(socket=tmp_path / "no.sock")))
            checkins = Checkins(store, Thresholds(), audit, sessions, lost.append)
            told = PostgresSettings(url=governance_database.app)
            maintenance = Maintenance(told, tmp_path / "archive")
            yield (
                Health(
                    store, audit, sessions, checkins, maintenance=maintenance, on_lost=lost.append
                ),
                maintenance,
                lost,
            )
            await sessions.close()

    return one


def test_a_store_that_only_answers_is_critical(governance):
    """Read-only: nothing can be stored, and it is neither healthy nor the end of the process."""
    name = governance.database.name
    setting = f"ALTER ROLE governance IN DATABASE {name} %s default_transaction_read_only"
    told(governance.database, f"{setting % 'SET'} = on", KILL)
    body = json.dumps({**SAID, "agent": "lumen"})
    refused, _, _ = governance.ask("POST", "/v1/checkins", body)
    status, _, text = governance.ask("GET", "/health")
    said = json.loads(text)

    assert refused == 500
    assert (status, said["status"]) == (503, "critical")
    assert said["checks"]["postgres"]["status"] == "error"
    assert said["checks"]["postgres"]["detail"] == "ReadOnlySqlTransaction"
    assert said["checks"]["check_ins"]["status"] == "error"
    assert said["first_action"].startswith("postgres: ")

    told(governance.database, setting % "RESET", KILL)
    assert governance.ask("POST", "/v1/checkins", body)[0] == 200
    assert governance.process.poll() is None


def test_a_failed_write_counts_until_one_succeeds(governance, eventually):
    """The probe's own table may be well while agent_state is not."""
    body = json.dumps({**SAID, "agent": "lumen"})

    def check_ins():
        return json.loads(governance.ask("GET", "/health")[2])["checks"]["check_ins"]["status"]

    told(governance.database, "REVOKE INSERT ON core.agent_state FROM governance")
    assert governance.ask("POST", "/v1/checkins", body)[0] == 500
    assert check_ins() == "error"
    told(governance.database, "GRANT INSERT ON core.agent_state TO governance")
    assert governance.ask("POST", "/v1/checkins", body)[0] == 200
    assert eventually(lambda: check_ins() == "healthy", 5)


def test_the_probe_writes(watched, governance_database):
    """And reads back what it wrote."""
    query = "SELECT updated_at, count(*) OVER () FROM core.probe"

    async def run():
        async with watched() as (health, *_):
            return (await health.look()).checks["postgres"]

    before = told(governance_database, query)
    assert asyncio.run(run()).status is State.HEALTHY
    after = told(governance_database, query)

    assert after[0][0] > before[0][0]
    assert after[0][1] == 1


def test_killed_idle_connections_are_not_the_end(watched, governance_database, monkeypatch):
    """Postgres is well; whoever asks next gets a whole connection."""
    monkeypatch.setattr(room, "PROBE_EVERY_SECONDS", 0.05)
    monkeypatch.setattr(room, "FRESH_SECONDS", 0.0)

    async def run():
        async with watched() as (health, maintenance, lost):
            await maintenance.run()
            watching = asyncio.create_task(health.watch())
            for _ in range(10):
                await asyncio.to_thread(told, governance_database, f"{KILL} AND state = 'idle'")
                await asyncio.sleep(0.2)
            watching.cancel()
            return lost, (await health.look()).checks["postgres"].status

    assert asyncio.run(run()) == ([], State.HEALTHY)


def test_rows_outside_every_month_are_an_alarm(watched, governance_database):
    """Until maintenance has made their month; what is past its time leaves with its archive."""
    stray = ("INSERT INTO audit.events (event_id, recorded_at, event_type)"
             " VALUES (gen_random_uuid(), '1999-01-15+00', 'x')")  # fmt: skip

    async def look(*, upkeep):
        async with watched() as (health, maintenance, _):
            if upkeep:
                await maintenance.run()
            said = await health.look()
            return said.checks["partitions"], said.months

    told(governance_database, stray)
    check, months = asyncio.run(look(upkeep=False))
    assert check.status is State.WARNING
    assert months.default_rows == 1
    assert check.detail == "audit.events_default: holds rows that no month was made for"
    check, months = asyncio.run(look(upkeep=True))
    assert check.status is State.HEALTHY
    assert (months.archived, months.waiting, months.default_rows) == (1, 0, 0)


def test_rows_on_their_way_to_their_months_are_work_and_no_fault(watched, governance_database):
    """However many: health stays moderate and says so, and nothing is thought lost."""
    strays = (
        "INSERT INTO audit.events (event_id, recorded_at, event_type) SELECT gen_random_uuid(),"
        " now() - interval '400 d' + n * interval '30 s', 'x' FROM generate_series(1, 400000) AS n"
    )

    async def looks():
        said = []
        async with watched() as (health, maintenance, lost):
            run = asyncio.create_task(maintenance.run())
            while not run.done():
                said.append(await health.look())
                await asyncio.sleep(0.3)
            health._last = None
            return said, await health.look(), maintenance.moving, lost

    told(governance_database, strays)
    while_moving, after, moving, lost = asyncio.run(looks())
    named = [each.checks["partitions"].detail for each in while_moving]

    assert "1000 rows or more are being moved into their months" in named
    assert {each.checks["postgres"].status for each in while_moving} == {State.HEALTHY}
    assert "critical" not in {each.status for each in while_moving}
    assert after.checks["partitions"].status is State.HEALTHY
    assert (moving, lost) == (None, [])


def test_a_table_that_is_held_is_said_and_the_rest_is_looked_at(governance):
    """Whoever holds it: the stores are written to and read all the same."""
    with psycopg.connect(governance.database.admin) as other:
        other.execute("LOCK TABLE audit.events IN ACCESS EXCLUSIVE MODE")
        time.sleep(1.1)
        status, _, text = governance.ask("GET", "/health")
    said = json.loads(text)

    assert (status, said["status"]) == (200, "moderate")
    assert said["checks"]["postgres"]["status"] == "healthy"
    assert said["checks"]["partitions"]["detail"].startswith("tables of months are held")


@pytest.mark.parametrize(
    ("deed", "word"),
    [
        ("DROP TABLE audit.events_default", "no default partition"),
        ("CREATE TABLE core.log (at timestamptz) PARTITION BY RANGE (at)", "core.log: is not in"),
        ("INSERT INTO audit.partitions VALUES ('core.agents', 1)", "core.agents: is listed"),
        ("UPDATE audit.retired SET retired_at = now() - interval '3 days'", "cannot be retired"),
    ],
)
def test_months_in_disorder_are_an_alarm(watched, governance_database, deed, word):
    """Each of the things that stopped the trail upstream is said by name."""
    waiting = ("INSERT INTO audit.retired (parent, part, from_at, upto_at)"
               " VALUES ('audit.events', 'x', '2020-01-01+00', '2020-02-01+00')")  # fmt: skip

    async def look():
        async with watched() as (health, *_):
            return (await health.look()).checks["partitions"]

    told(governance_database, waiting)
    assert asyncio.run(look()).status is State.HEALTHY
    told(governance_database, deed)
    assert word in asyncio.run(look()).detail


def test_a_month_too_few_is_an_alarm(watched, governance_database):
    """Two whole months ahead are the least."""
    last = ("SELECT part FROM audit.partition_bounds('audit.events')"
            " WHERE NOT is_default ORDER BY from_at DESC LIMIT 1")  # fmt: skip

    async def look():
        async with watched() as (health, *_):
            return (await health.look()).checks["partitions"]

    told(governance_database, f"DROP TABLE {told(governance_database, last)[0][0]}")
    assert asyncio.run(look()).status is State.HEALTHY
    told(governance_database, f"DROP TABLE {told(governance_database, last)[0][0]}")
    assert asyncio.run(look()).detail == "audit.events: 1 months ahead"


def test_sessions_that_are_over_are_swept(watched, governance_database, monkeypatch):
    """Piece by piece; the living ones stay."""
    monkeypatch.setattr("apps.governance.maintenance.SWEEP_LIMIT", 2)
    told(governance_database,
         "INSERT INTO core.identities (agent_id) VALUES ('lumen')",
         "INSERT INTO core.sessions (session_id, identity_id, expires_at)"
         " SELECT 's-' || n, identity_id, now() + make_interval(secs => n * 60)"
         " FROM core.identities, generate_series(-5, 2) AS n")  # fmt: skip

    async def sweep():
        async with watched() as (_, maintenance, _):
            await maintenance.run()
            return maintenance.trouble

    assert asyncio.run(sweep()) is None
    left = told(governance_database, "SELECT session_id FROM core.sessions ORDER BY 1")
    assert left == [("s-1",), ("s-2",)]
