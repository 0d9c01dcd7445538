"""Postgres 17 with AGE: one container, its roles, its database."""

import json
from collections.abc import Iterator
from typing import Any

from pyinfra import host, logger, state
from pyinfra.api import FactBase, QuoteString, StringCommand, operation

from schemas import ports
from services import docker
from services.container import Container, File
from services.engine import Engine
from services.house import House, render
from services.images import built
from services.roles import Database, Role, database_sql, extension_sql, role_sql

UID = 970
MAX_CONNECTIONS = 40
OWNER, APP = "governance_owner", "governance"
"""Who migrates the database, and who uses it."""
DATABASE = "governance"


def memory(machine_mb: int) -> dict[str, int]:
    """The container's memory and what Postgres makes of it, in MB.

    A laptop keeps three quarters for its owner. Of its quarter Postgres takes a quarter for
    shared buffers (the manual's 25 %), expects three quarters cached, and never lets all
    connections sorting at once pass the rest.
    """
    limit = min(max(machine_mb // 4, 256), 8192)
    return {
        "memory_mb": limit,
        "shared_buffers_mb": limit // 4,
        "effective_cache_mb": limit * 3 // 4,
        "maintenance_mb": min(limit // 16, 512),
        "work_mb": max(limit // (4 * MAX_CONNECTIONS), 4),
    }


def postgres(house: House, engine: Engine) -> None:
    """The container ``postgres-age``, its two roles, the database ``governance``."""
    mac = house.hosts.mac
    called = house.called("postgres-age")
    sizes = memory(mac.memory_mb)
    certificate, key = house.certificate()
    tag = built(engine, "postgres", "postgres-age", {})
    docker.container(
        engine=engine,
        name=f"Run {called}",
        spec=Container(
            container=called,
            image=tag,
            uid=UID,
            labels=house.labels,
            memory_mb=sizes["memory_mb"],
            shm_mb=sizes["shared_buffers_mb"],
            networks=(house.called("abode-data"),),
            publish=(f"127.0.0.1:{mac.postgres_port}:{ports.POSTGRES}",),
            volumes={
                f"{called}-data": "/var/lib/postgresql/data",
                f"{called}-socket": ports.POSTGRES_SOCKET_DIR,
            },
            files={
                "postgresql.conf": File(
                    render(
                        "postgres/postgresql.conf.j2",
                        **sizes,
                        max_connections=MAX_CONNECTIONS,
                        port=ports.POSTGRES,
                        socket_dir=ports.POSTGRES_SOCKET_DIR,
                        files_dir=ports.CONTAINER_FILES_DIR,
                        database=DATABASE,
                    )
                ),
                "pg_hba.conf": File(render("postgres/pg_hba.conf")),
                "server.crt": File(certificate + "\n"),
                "server.key": File(key + "\n", secret=True),
            },
            stop_seconds=60,
        ),
        wait_seconds=120,
    )
    roles(
        name=f"Roles, database and extensions in {called}",
        server=called,
        roles_wanted=(
            Role(OWNER, house.vault.get("postgres_owner"), limit=5),
            Role(APP, house.vault.get("postgres_governance"), limit=MAX_CONNECTIONS - 10),
        ),
        wanted=Database(
            database=DATABASE,
            owner=OWNER,
            connect=(APP,),
            settings={"TimeZone": "UTC", "session_preload_libraries": "age"},
            extensions={
                "age": None,
                "pg_cron": None,
                "pgaudit": "pgaudit",
                "pg_partman": "partman",
            },
        ),
    )


class Asked(FactBase[dict[str, Any]]):
    """The one JSON value that a query gives, run as the superuser inside the container."""

    def command(self, server: str, database: str, query: str) -> StringCommand:
        return StringCommand(
            "docker exec", QuoteString(server), "psql -qAtX -U postgres -d", QuoteString(database),
            "-c", QuoteString(query), "2>/dev/null || true",
        )  # fmt: skip

    def process(self, output: list[str]) -> dict[str, Any]:
        return json.loads("".join(output) or "{}")

    @staticmethod
    def default() -> dict[str, Any]:
        return {}


@operation()
def roles(server: str, roles_wanted: tuple[Role, ...], wanted: Database) -> Iterator[StringCommand]:
    """Make roles, database and extensions as declared; what is not declared is taken away."""
    query = statement("postgres/state.sql")
    found = host.get_fact(Asked, server=server, database="postgres", query=query)
    steps = [
        *(s for r in roles_wanted for s in role_sql(r, (found.get("roles") or {}).get(r.role))),
        *database_sql(wanted, (found.get("databases") or {}).get(wanted.database)),
    ]
    inside: dict[str, Any] = {"extensions": {}, "available": {}, "ag_catalog_public": 0}
    if found and wanted.database in (found.get("databases") or {}):
        query = statement("postgres/extensions.sql")
        inside = host.get_fact(Asked, server=server, database=wanted.database, query=query)
    more = list(extension_sql(wanted, inside))
    if not steps and not more:
        host.noop(f"{server} has its roles, database and extensions")
        return
    if state.config.DIFF:
        for what, _ in steps + more:
            host.log(f"  {server}: {what}", logger.info)
    # One statement per line: CREATE DATABASE refuses to be part of a transaction.
    if steps:
        yield _run(server, "postgres", steps)
    if more:
        yield _run(server, wanted.database, more)


def _run(server: str, database: str, steps: list[tuple[str, str]]) -> StringCommand:
    return StringCommand(
        "docker exec -i", QuoteString(server), "psql -qX -v ON_ERROR_STOP=1 -U postgres -d",
        QuoteString(database), "-f -",
        _stdin="\n".join(sql for _, sql in steps),
    )  # fmt: skip


def statement(path: str) -> str:
    """A query of templates/ on one line, without its comments."""
    return " ".join(line for line in render(path).splitlines() if not line.startswith("--"))
