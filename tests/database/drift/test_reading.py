"""A catalog is the same for whoever reads it; a clean database has no drift."""

import time
from concurrent.futures import ThreadPoolExecutor

import psycopg

from apps.migrate.catalog import difference, postgres, server, shown
from apps.migrate.check import check
from apps.migrate.lines import line
from schemas.server import GOVERNANCE


def test_a_clean_database_has_none(governance_database, scratch_database, declared):
    """Built anew in the scratch database, twice, and read by the owner."""
    for _ in range(2):
        found = check(line("governance"), governance_database.owner, declared=declared)
        assert not found, shown(found)


def test_the_catalog_is_the_same_whoever_reads_it(governance_database, clean):
    """In whatever session, and as the owner; the session stays as it was."""
    odd = (
        "SET search_path = core, audit, governance_graph; SET timezone = 'America/Denver';"
        "SET datestyle = 'German'; SET quote_all_identifiers = on; SET bytea_output = 'escape'"
    )
    for way in (governance_database.admin, governance_database.owner):
        with psycopg.connect(way, autocommit=True) as connection:
            connection.execute(odd)
            found = difference(clean, postgres.read(connection))
            # Some settings are shown to superusers only; a check leaves those out.
            assert all(each.object.startswith("setting server ") for each in found)
            assert not found or way == governance_database.owner
            assert connection.execute("SHOW timezone").fetchone() == ("America/Denver",)


def test_the_catalog_is_read_fast(governance_template):
    """The no-change deploy waits for it: 30 ms on an idle core, so room for a busy one."""
    with psycopg.connect(governance_template.admin) as connection:
        postgres.read(connection)
        seconds = []
        for _ in range(5):
            begun = time.perf_counter()
            postgres.read(connection)
            seconds.append(time.perf_counter() - begun)
    assert min(seconds) < 1.0


def test_checks_at_once_do_not_disturb_each_other(governance_database, scratch_database, declared):
    """They build in one scratch database, one after the other."""
    with ThreadPoolExecutor(3) as pool:
        found = pool.map(
            lambda _: check(line("governance"), governance_database.owner, declared=declared),
            range(3),
        )
    assert list(found) == [[], [], []]


def test_a_job_changed_by_hand_is_reported(admin_dsn):
    """pg_cron lives in one database of the test server: its own jobs, declared and not."""
    declared = {
        name: said for name, said in server.declared(GOVERNANCE).items() if name.startswith("job ")
    }
    with psycopg.connect(admin_dsn) as connection:
        connection.execute("CREATE EXTENSION pg_cron")
        for job in GOVERNANCE.jobs:
            words = (job.job, job.schedule, job.command)
            connection.execute("SELECT cron.schedule(%s, %s, %s)", words)
        home = "UPDATE cron.job SET database = 'governance', username = 'governance_owner'"
        connection.execute(home)
        connection.execute("SELECT cron.schedule('by-hand', '* * * * *', 'SELECT 1')")
        connection.execute("UPDATE cron.job SET active = false WHERE jobname = 'forget-job-runs'")
        found = postgres.read(connection)
        connection.rollback()
    jobs = {name: said for name, said in found.items() if name.startswith("job ")}
    reported = {each.object: each.kind for each in difference(declared, jobs)}
    assert reported == {"job by-hand": "unexpected", "job forget-job-runs": "changed"}
