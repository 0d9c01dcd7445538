"""A scratch Postgres from the very image that is deployed; databases in it come and go."""

import base64
import json
import os
import subprocess
import time
from collections.abc import Iterator

import psycopg
import pytest

from apps.lab.process import started
from services.container import File, archive
from services.postgres import UID

CONF = """listen_addresses = '*'
hba_file = '/run/abode/pg_hba.conf'
unix_socket_directories = '/tmp'
shared_preload_libraries = 'pg_cron,pgaudit'
cron.database_name = 'postgres'
max_connections = 100
fsync = off
"""


def _docker(*words: str, given: bytes | None = None) -> str:
    done = subprocess.run(["docker", *words], input=given, capture_output=True, check=True)
    return done.stdout.decode().strip()


@pytest.fixture(scope="session")
def admin_dsn(standing) -> Iterator[str]:
    """The superuser's DSN of a server that no test shares with anything that lives."""
    lived = json.loads(_docker("inspect", standing.called("postgres-age")))[0]
    name = f"{standing.called('scratch')}-{os.getpid()}"
    # A lab of its own, so that `abode down` leaves it alone; found with its owner if we die.
    worn = json.loads(_docker("inspect", standing.called("pi")))[0]["Config"]["Labels"]
    owner = f"{os.getpid()}:{started(os.getpid())}"
    marks = {"home": worn["abode.home"], "owner": owner, "lab": f"{worn['abode.lab']}-scratch"}
    labels = [f"--label=abode.{key}={value}" for key, value in marks.items()]
    _docker(
        "create", "--name", name, *labels, "--user", f"{UID}:{UID}", "-v", "/run/abode",
        "-p", "127.0.0.1::5432", "--env", "PGDATA=/var/lib/postgresql/data",
        lived["Config"]["Image"], "sh", "-c",
        "initdb -D $PGDATA -U postgres --auth=trust >/dev/null && "
        "exec postgres -D $PGDATA -c config_file=/run/abode/postgresql.conf",
    )  # fmt: skip
    hba = "local all all trust\nhost all postgres all trust\nhost all all all scram-sha-256\n"
    files = {"postgresql.conf": File(CONF), "pg_hba.conf": File(hba)}
    tar = base64.b64decode(archive(files, owner=UID, group=UID, mode=0o400))
    _docker("cp", "-", f"{name}:/run/abode", given=tar)
    try:
        _docker("start", name)
        port = _docker("port", name, "5432").splitlines()[0].rsplit(":", 1)[1]
        dsn = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        _wait(dsn)
        yield dsn
    finally:
        _docker("rm", "-fv", name)


def _wait(dsn: str) -> None:
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
