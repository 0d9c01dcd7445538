"""What the roles that serve could do to the months, and may not."""

import asyncio
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime

import psycopg
import pytest
from psycopg.errors import CheckViolation, DeadlockDetected

from apps.governance.maintenance import Maintenance
from apps.governance.report import report
from apps.postgres import PostgresSettings
from schemas.bridge import CheckIn

EVENT = (
    "INSERT INTO audit.events (event_id, event_type, recorded_at)"
    " VALUES (gen_random_uuid(), 'x', {})"
)
MONTHS = "SELECT part::text FROM audit.partition_bounds('audit.events') WHERE NOT is_default"


def said(seq: int):
    """A check-in."""
    body = {"anima": {"warmth": 0.4, "clarity": 0.8, "stability": 0.9, "presence": 0.9}}
    sent = CheckIn.model_validate(body | {"boot_id": "boot-0001", "seq": seq})
    return report("lumen", sent, datetime.now(UTC))


def without_months(database) -> None:
    """As if nobody had kept them up."""
    with psycopg.connect(database.owner, autocommit=True) as conn:
        for (part,) in conn.execute(MONTHS).fetchall():
            drop(conn, part)


def drop(conn, table) -> None:
    """Whoever lives on the database may look at its tables in another order."""
    while True:
        with suppress(DeadlockDetected):
            conn.execute(f"DROP TABLE {table}")
            return


@pytest.mark.parametrize("when", ["'9999-01-01'", "'infinity'", "now() + interval '2 years'"])
def test_the_app_cannot_set_the_clock(governance_database, when):
    """It could retire and drop all that it did; the owner may, who could anyway."""
    with psycopg.connect(governance_database.app, autocommit=True) as conn:
        conn.execute(EVENT.format("now()"))
        assert conn.execute(f"SELECT part FROM audit.retire_partitions({when})").fetchall() == []
        assert conn.execute(f"SELECT audit.create_partitions({when})").fetchall() == [(0,)]
        conn.execute(f"CALL audit.partition_maintenance({when})")
        assert conn.execute("SELECT count(*) FROM audit.retired").fetchone() == (0,)
        assert conn.execute("SELECT count(*) FROM audit.events").fetchone() == (1,)


@pytest.mark.parametrize("way_in", ["reader", "monitor"])
def test_nobody_holds_the_upkeep_up(governance_database, way_in, tmp_path):
    """By any lock that a reader may take."""
    upkeep = Maintenance(PostgresSettings(url=governance_database.app), tmp_path)
    with psycopg.connect(getattr(governance_database, way_in)) as conn:
        conn.execute("SELECT pg_advisory_lock(hashtext('audit.partitions'))")
        if way_in == "reader":
            conn.execute("SELECT parent FROM audit.partitions")
        asyncio.run(upkeep.run())
    assert upkeep.trouble is None


def test_a_check_in_waits_for_its_month(living, governance_database, tmp_path):
    """It is not refused for good because the month was attached while it came."""
    without_months(governance_database)

    async def come():
        async with living(governance_database, tmp_path) as (made, *_):
            await made.handle(said(1))
            with psycopg.connect(governance_database.app) as upkeep:
                upkeep.execute("SELECT audit.create_partitions(now())")
                task = asyncio.create_task(made.handle(said(2)))
                await asyncio.sleep(0.5)
                upkeep.commit()
            return await task

    assert asyncio.run(come()).action == "proceed"


def test_an_event_waits_for_its_month(governance_database):
    """Whoever writes it, with no second try."""
    without_months(governance_database)
    done: list[object] = []

    def write() -> None:
        with psycopg.connect(governance_database.app) as conn:
            try:
                done.append(conn.execute(EVENT.format("now()")).statusmessage)
            except psycopg.Error as error:
                done.append(error)

    with psycopg.connect(governance_database.app) as upkeep:
        upkeep.execute("SELECT audit.create_partitions(now())")
        writer = threading.Thread(target=write)
        writer.start()
        writer.join(0.5)
        assert done == []
        upkeep.commit()
    writer.join()
    assert done == ["INSERT 0 1"]


def test_a_row_without_a_month_waits_in_the_trail_for_one(governance):
    """Nobody's message is thrown away because a table of ours lacks its default."""
    without_months(governance.database)
    rows = "SELECT count(*) FROM audit.events WHERE event_type = 'check_in'"
    with psycopg.connect(governance.database.owner, autocommit=True) as conn:
        drop(conn, "audit.events_default")
        body = said(1).check_in.model_dump_json(exclude_unset=True)
        status, _, _ = governance.ask("POST", "/v1/checkins", body, {"X-Agent-Id": "lumen"})
        assert status == 200
        assert '"event_type":"check_in"' in (governance.folder / "audit_log.jsonl").read_text()
        assert conn.execute(rows).fetchone() == (0,)

        conn.execute(
            "CREATE TABLE IF NOT EXISTS audit.events_default PARTITION OF audit.events DEFAULT"
        )
        until = time.monotonic() + 15
        while conn.execute(rows).fetchone() == (0,) and time.monotonic() < until:
            time.sleep(0.1)
        assert conn.execute(rows).fetchone() == (1,)


@pytest.mark.parametrize("table", ["audit.tool_usage", "core.tool_usage", "audit.outcome_events"])
def test_the_reader_counts_sessions_by_no_id(shared_database, table):
    """Who knows a session's id is taken for its agent."""
    with psycopg.connect(shared_database.reader, autocommit=True) as conn:
        assert conn.execute(f"SELECT count(agent_id) FROM {table}").fetchone() == (0,)
        for asked in ("session_id", "count(session_id)", "to_json(t)"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute(f"SELECT {asked} FROM {table} AS t")


USAGE = (
    "audit.tool_usage (usage_id, tool_name, recorded_at, latency_ms) SELECT gen_random_uuid(), 'x'"
)
OUTCOME = (
    "audit.outcome_events (outcome_id, agent_id, outcome_type, is_bad, recorded_at, phi)"
    " SELECT gen_random_uuid(), 'a', 'x', false"
)
EVENTS = "audit.events (event_id, event_type, recorded_at, agent_id) SELECT gen_random_uuid(), 'x'"
BEYOND = ("'infinity'", "'-infinity'", "'1899-12-31 23:59:59+00'", "'9999-01-01+00'")


@pytest.mark.parametrize(
    ("into", "good", "wrong"),
    [
        (USAGE, "0", ["'Infinity'", "'NaN'", "-1"]),
        (OUTCOME, "-1e300", ["'-Infinity'", "'NaN'", "0.51"]),
        (EVENTS, "'a'", []),
    ],
)
def test_no_number_and_no_time_beyond_all(shared_database, into, good, wrong):
    """A row of no year would lie in the default for ever."""
    with psycopg.connect(shared_database.app) as conn:
        for at in ("'1900-01-01+00'", "now()", "'9998-12-31 23:59:59.999999+00'"):
            conn.execute(f"INSERT INTO {into}, {at}, {good}")
        tries = [("now()", value) for value in wrong] + [(at, good) for at in BEYOND]
        for at, value in tries:
            with pytest.raises(CheckViolation), conn.transaction():
                conn.execute(f"INSERT INTO {into}, {at}, {value}")
        conn.rollback()
