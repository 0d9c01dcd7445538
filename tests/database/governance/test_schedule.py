"""The night's upkeep is scheduled as declared, and pg_cron really does it."""

import psycopg
import pytest

from apps.migrate.lines import line

SCHEDULE = (line("governance").folder / "post-apply.schedule.sql").read_text()
JOBS = "SELECT jobname, schedule, command, active FROM cron.job ORDER BY 1"


@pytest.fixture
def cron(admin_dsn, governance_roles):
    """The one database of the server where pg_cron is, as the owner of ours uses it."""
    with psycopg.connect(admin_dsn, autocommit=True) as conn:
        conn.execute("CREATE EXTENSION IF NOT EXISTS pg_cron")
        conn.execute("GRANT USAGE ON SCHEMA cron TO governance_owner")
        try:
            yield conn
        finally:
            conn.execute("RESET ROLE")
            conn.execute("DELETE FROM cron.job")
            conn.execute("DROP EXTENSION pg_cron")


def test_the_schedule_converges(cron):
    """What is missing, edited, switched off or not ours becomes as declared; else nothing moves."""
    cron.execute("SET ROLE governance_owner")
    cron.execute(SCHEDULE)
    declared = cron.execute(JOBS).fetchall()
    ids = cron.execute("SELECT array_agg(jobid) FROM cron.job").fetchone()

    assert [(name, schedule) for name, schedule, *_ in declared] == [
        ("forget-job-runs", "47 3 * * *"),
        ("partition-maintenance", "17 3 * * *"),
    ]
    cron.execute(SCHEDULE)
    assert cron.execute("SELECT array_agg(jobid) FROM cron.job").fetchone() == ids
    cron.execute("SELECT cron.schedule('stray', '* * * * *', 'SELECT 1')")
    cron.execute("SELECT cron.schedule('forget-job-runs', '1 1 1 1 1', 'SELECT 1')")
    cron.execute("RESET ROLE")
    cron.execute("UPDATE cron.job SET active = false WHERE jobname = 'partition-maintenance'")
    cron.execute("SET ROLE governance_owner")
    cron.execute(SCHEDULE)
    assert cron.execute(JOBS).fetchall() == declared


def test_the_schedule_says_who_may_not(cron):
    """Silence would leave nobody to make the months."""
    cron.execute("REVOKE USAGE ON SCHEMA cron FROM governance_owner")
    cron.execute("SET ROLE governance_owner")
    with pytest.raises(psycopg.errors.RaiseException, match="may not use schema cron"):
        cron.execute(SCHEDULE)


def test_a_database_without_pg_cron_has_no_jobs(governance_database):
    """The scratch copy of the drift check must not run anything."""
    with psycopg.connect(governance_database.owner, autocommit=True) as conn:
        conn.execute(SCHEDULE)


def test_pg_cron_does_the_upkeep(cron, governance_database, eventually):
    """As the owner, by the declared command, in two transactions; and forgets its old runs."""
    commands = dict(job[::2] for job in _declared(cron))
    with psycopg.connect(governance_database.owner, autocommit=True) as conn:
        last = conn.execute(
            "SELECT max(part::text) FROM audit.partition_bounds('audit.events')"
        ).fetchone()[0]
        conn.execute(f"DROP TABLE {last}")
    made = "SELECT to_regclass(%s) IS NOT NULL"
    cron.execute(
        "INSERT INTO cron.job_run_details (jobid, runid, database, username, start_time)"
        " VALUES (0, 1000001, 'x', 'governance_owner', now() - interval '15 days'),"
        " (0, 1000002, 'x', 'governance_owner', now() - interval '13 days')"
    )
    for name, database in (("partition-maintenance", governance_database.name),
                           ("forget-job-runs", "postgres")):  # fmt: skip
        cron.execute(
            "SELECT cron.schedule_in_database(%s, '1 second', %s, %s, 'governance_owner')",
            [name, commands[name], database],
        )
    with psycopg.connect(governance_database.owner, autocommit=True) as conn:
        assert eventually(lambda: conn.execute(made, [last]).fetchone()[0], 15)
    runs = (
        "SELECT DISTINCT status FROM cron.job_run_details"
        " WHERE runid < 1000000 AND end_time IS NOT NULL"
    )
    assert eventually(lambda: cron.execute(runs).fetchall() == [("succeeded",)], 15)
    old = "SELECT runid FROM cron.job_run_details WHERE runid > 1000000"
    assert eventually(lambda: cron.execute(old).fetchall() == [(1_000_002,)], 15)
    cron.execute("SELECT cron.unschedule(jobid) FROM cron.job")


def _declared(cron):
    cron.execute("SET ROLE governance_owner")
    cron.execute(SCHEDULE)
    jobs = cron.execute("SELECT jobname, schedule, command FROM cron.job").fetchall()
    cron.execute("RESET ROLE")
    cron.execute("DELETE FROM cron.job")
    return jobs
