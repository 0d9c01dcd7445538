"""A scratch Postgres from the very image that is deployed; databases in it come and go."""

import base64
import json
import os
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import NamedTuple
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from apps.lab.process import started
from apps.migrate import runner
from apps.migrate.lines import line
from schemas.governance.server import BACKUP, MONITOR
from schemas.postgres import Tenant
from schemas.server import GOVERNANCE, LOGINS, SOULFRA
from services.container import File, archive
from services.postgres import UID, statement
from services.roles import Role, database_sql, extension_sql, role_sql

CONF = """listen_addresses = '*'
hba_file = '/run/abode/pg_hba.conf'
unix_socket_directories = '/tmp'
shared_preload_libraries = 'pg_cron,pgaudit'
cron.database_name = 'postgres'
cron.use_background_workers = on
max_connections = 100
fsync = off
"""
HBA = """local all all trust
host all postgres all trust
host replication governance_backup all scram-sha-256
host "/^(governance|soulfra)_" all all scram-sha-256
"""


class Database(NamedTuple):
    """One database and the ways into it, each as a role that really logs in."""

    name: str
    admin: str
    owner: str
    app: str
    reader: str
    monitor: str
    backup: str


def _docker(*words: str, given: bytes | None = None) -> str:
    done = subprocess.run(["docker", *words], input=given, capture_output=True, check=True)
    return done.stdout.decode().strip()


@pytest.fixture(scope="session")
def admin_dsn(standing) -> Iterator[str]:
    """The superuser's DSN of a server that no test shares with anything that lives."""
    with scratch_server(standing, "scratch") as dsn:
        yield dsn


@contextmanager
def scratch_server(standing, called: str) -> Iterator[str]:
    """A server of the run's own, gone with it; gives the superuser's DSN."""
    lived = json.loads(_docker("inspect", standing.called("postgres-age")))[0]
    name = f"{standing.called(called)}-{os.getpid()}"
    # A lab of its own, so that `abode down` leaves it alone; found with its owner if we die, and
    # not with another run's: a lab is removed whole.
    worn = json.loads(_docker("inspect", standing.called("pi")))[0]["Config"]["Labels"]
    owner = f"{os.getpid()}:{started(os.getpid())}"
    marks = {
        "home": worn["abode.home"],
        "owner": owner,
        "lab": f"{worn['abode.lab']}-scratch-{os.getpid()}",
    }
    labels = [f"--label=abode.{key}={value}" for key, value in marks.items()]
    _docker(
        "create", "--name", name, *labels, "--user", f"{UID}:{UID}", "-v", "/run/abode",
        "-p", "127.0.0.1::5432", "--env", "PGDATA=/var/lib/postgresql/data",
        lived["Config"]["Image"], "sh", "-c",
        "initdb -D $PGDATA -U postgres --auth=trust >/dev/null && "
        "exec postgres -D $PGDATA -c config_file=/run/abode/postgresql.conf",
    )  # fmt: skip
    files = {"postgresql.conf": File(CONF), "pg_hba.conf": File(HBA)}
    tar = base64.b64decode(archive(files, owner=UID, group=UID, mode=0o400))
    _docker("cp", "-", f"{name}:/run/abode", given=tar)
    try:
        _docker("start", name)
        port = _docker("port", name, "5432").splitlines()[0].rsplit(":", 1)[1]
        dsn = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        answering(dsn)
        yield dsn
    finally:
        _docker("rm", "-fv", name)


def answering(dsn: str) -> None:
    """Wait until a server does."""
    until = time.monotonic() + 60
    while True:
        try:
            psycopg.connect(dsn, connect_timeout=2).close()
        except psycopg.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)
        else:
            return


@pytest.fixture(scope="session")
def governance_roles(admin_dsn: str) -> None:
    """The roles of the server, as a deploy makes them; a role's password is its name."""
    roles_made(admin_dsn)


def roles_made(admin: str) -> None:
    """Every login of the house, on a new server."""
    with psycopg.connect(admin, autocommit=True) as conn:
        found = conn.execute(statement("postgres/state.sql")).fetchone()[0]["roles"] or {}
        for login in LOGINS:
            for _, sql in role_sql(Role(login, login.role), found.get(login.role)):
                conn.execute(sql)


@contextmanager
def database_made(
    admin: str, name: str, template: str | None = None, tenant: Tenant = GOVERNANCE
) -> Iterator[Database]:
    """A database as a deploy makes it, but that pg_cron can live in one database only.

    A copy of ``template`` brings its objects and extensions; settings and guests it does not.
    """
    like = tenant.scratch if name.endswith("_scratch") else tenant.database
    declared = replace(tenant.scratch, database=name, connect=like.connect)
    owner, app, reader = (login.role for login in tenant.logins[:3])
    parts = urlsplit(admin)
    place = parts.netloc.rpartition("@")[2]

    def dsn(role: str | None = None) -> str:
        netloc = f"{role}:{role}@{place}" if role else parts.netloc
        return urlunsplit(parts._replace(netloc=netloc, path=f"/{name}"))

    try:
        with psycopg.connect(admin, autocommit=True) as conn:
            found = {"owner": owner}
            conn.execute(f"CREATE DATABASE {name} OWNER {owner} TEMPLATE {template or 'template0'}")
            for _, sql in database_sql(declared, found):
                conn.execute(sql)
        with psycopg.connect(dsn(), autocommit=True) as inside:
            there = inside.execute(statement("postgres/extensions.sql")).fetchone()[0]
            for _, sql in extension_sql(declared, there):
                inside.execute(sql)
        yield Database(name, dsn(), *map(dsn, (owner, app, reader, MONITOR, BACKUP)))
    finally:
        # The server may have been killed meanwhile.
        with psycopg.connect(admin, autocommit=True) as conn:
            conn.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def governance_template(admin_dsn: str, governance_roles: None) -> Iterator[Database]:
    """The template, migrated as a deploy does it."""
    with database_made(admin_dsn, f"governance_{uuid.uuid4().hex[:8]}_template") as made:
        runner.apply(line("governance"), made.owner)
        yield made


@pytest.fixture
def governance_database(admin_dsn: str, governance_template: Database) -> Iterator[Database]:
    """A copy of the template, for one test."""
    name = f"governance_{uuid.uuid4().hex[:8]}_test"
    with database_made(admin_dsn, name, governance_template.name) as made:
        yield made


@pytest.fixture(scope="module")
def shared_database(admin_dsn: str, governance_template: Database) -> Iterator[Database]:
    """A copy for a file whose tests leave everything as it was."""
    name = f"governance_{uuid.uuid4().hex[:8]}_test"
    with database_made(admin_dsn, name, governance_template.name) as made:
        yield made


@pytest.fixture
def empty_database(admin_dsn: str, governance_roles: None) -> Iterator[Database]:
    """As a deploy leaves it before the first migration."""
    with database_made(admin_dsn, f"governance_{uuid.uuid4().hex[:8]}_test") as made:
        yield made


@pytest.fixture
def scratch_database(admin_dsn: str, governance_database: Database) -> Iterator[Database]:
    """The empty ``<name>_scratch`` beside the test's database; only its owner may connect."""
    with database_made(admin_dsn, f"{governance_database.name}_scratch") as made:
        yield made


@pytest.fixture(scope="session")
def soulfra_template(admin_dsn: str, governance_roles: None) -> Iterator[Database]:
    """The second tenant's template, migrated as a deploy does it."""
    name = f"soulfra_{uuid.uuid4().hex[:8]}_template"
    with database_made(admin_dsn, name, tenant=SOULFRA) as made:
        runner.apply(line("soulfra"), made.owner)
        yield made


@pytest.fixture
def soulfra_database(admin_dsn: str, soulfra_template: Database) -> Iterator[Database]:
    """A copy of it, for one test."""
    name = f"soulfra_{uuid.uuid4().hex[:8]}_test"
    with database_made(admin_dsn, name, soulfra_template.name, SOULFRA) as made:
        yield made
