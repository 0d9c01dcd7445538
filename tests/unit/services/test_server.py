"""The server's declaration and what is deployed are the same."""

import re

import pytest

from apps.migrate.lines import line
from schemas.server import (
    DATABASES,
    GOVERNANCE,
    LOGINS,
    MAX_CONNECTIONS,
    SETTINGS,
    TENANTS,
)
from schemas.soulfra.server import REPORTS
from services.house import render
from services.postgres import memory

RESERVED = 3
"""superuser_reserved_connections as Postgres has it."""


def conf() -> dict[str, str]:
    """postgresql.conf as a deploy writes it."""
    text = render(
        "postgres/postgresql.conf.j2", **memory(4096), max_connections=MAX_CONNECTIONS, port=5432,
        socket_dir="/run", files_dir="/files", database=GOVERNANCE.database.database,
    )  # fmt: skip
    lines = re.findall(r"^([a-z_.]+) = '?([^'\n]*)'?$", text, re.MULTILINE)
    return dict(lines)


def test_the_settings_that_matter_are_those_deployed():
    """wal_level is Postgres' own default."""
    wanted = {name: value for name, value in SETTINGS.items() if name != "wal_level"}

    assert {name: conf().get(name) for name in wanted} == wanted


def test_all_connections_together_fit():
    """Whoever uses all that it may leaves the others theirs, and the superuser his."""
    assert sum(login.limit for login in LOGINS) <= MAX_CONNECTIONS - RESERVED


@pytest.mark.parametrize("tenant", TENANTS.values(), ids=TENANTS)
def test_whoever_is_granted_something_may_connect(tenant):
    """Else the right would be for nobody."""
    assert {grant.role for grant in tenant.grants} == set(tenant.database.connect)


def test_a_tenant_s_roles_are_its_own():
    """Nobody of one tenant enters the databases of another."""
    for tenant in TENANTS.values():
        own = {login.role for login in tenant.logins}
        for database in (tenant.database, tenant.scratch):
            assert {database.owner, *database.connect} <= own
    assert len({login.role for login in LOGINS}) == len(LOGINS)
    assert len({login.secret for login in LOGINS}) == len(LOGINS)


def test_only_the_backup_replicates_and_only_over_tls():
    """In pg_hba.conf the word all is every database, but not replication."""
    rules = [line.split() for line in render("postgres/pg_hba.conf").splitlines()]
    replication = [rule for rule in rules if rule[:2][-1:] == ["replication"]]
    [copier] = [login for login in LOGINS if login.replication]

    assert {rule[2] for rule in replication} == {copier.role}
    assert {rule[0] for rule in replication} == {"local", "hostssl"}
    assert all("trust" not in rule for rule in rules)


@pytest.mark.parametrize("tenant", TENANTS.values(), ids=TENANTS)
def test_every_database_is_the_owners_and_closed(tenant):
    """The scratch one to everyone else; whoever proves a password is let in nowhere else."""
    assert tenant.database.owner == tenant.scratch.owner == tenant.logins[0].role
    assert tenant.scratch.connect == ()
    for rule in map(str.split, render("postgres/pg_hba.conf").splitlines()):
        if rule[-1:] == ["scram-sha-256"] and rule[1] != "replication":
            assert set(rule[1].split(",")) == {each.database for each in (*DATABASES, REPORTS)}


def test_the_jobs_are_those_scheduled():
    """post-apply.schedule.sql says them in SQL."""
    text = (line("governance").folder / "post-apply.schedule.sql").read_text()
    said = " ".join(text.replace("'\n                 '", "").replace("''", "'").split())

    for job in GOVERNANCE.jobs:
        assert f"('{job.job}', '{job.schedule}', '{job.command}')" in said, job.job


def test_whoever_was_let_into_a_declared_schema_is_asked_for():
    """Else a deploy would let them in again every time."""
    asked = render("postgres/extensions.sql")
    schemas = {schema for database in DATABASES for schema in database.usage}

    assert {schema for schema in schemas if f"'{schema}'" not in asked} == set()
