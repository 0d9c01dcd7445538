"""Postgres 17 with AGE: one container, its roles, its databases."""

import json
from collections.abc import Iterator
from typing import Any

from pyinfra import host, logger, state
from pyinfra.api import FactBase, QuoteString, StringCommand, operation

from schemas import ports
from schemas import server as declared
from schemas.postgres import Database, Login
from services import docker
from services.container import Container, File
from services.engine import Engine
from services.house import House, render
from services.images import built
from services.roles import Role, database_sql, extension_sql, role_sql

UID = 970
MAX_CONNECTIONS = declared.MAX_CONNECTIONS


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
    """The container ``postgres-age``, its roles and databases."""
    port, cron = house.hosts.mac.postgres_port, declared.GOVERNANCE.database.database
    server(house, engine, "postgres-age", port, cron)
    made(house, "postgres-age", declared.LOGINS, declared.DATABASES)


def server(house: House, engine: Engine, name: str, port: int, cron: str) -> None:
    """A container with Postgres, at a port of the loopback; ``cron`` is where pg_cron lives."""
    called = house.called(name)
    sizes = memory(house.hosts.mac.memory_mb)
    certificate, key = house.certificate(name)
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
            publish=(f"127.0.0.1:{port}:{ports.POSTGRES}",),
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
                        database=cron,
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


def made(
    house: House,
    name: str,
    logins: tuple[Login, ...],
    databases: tuple[Database, ...],
    what: str = "Roles, databases and extensions in",
) -> None:
    """The roles, databases and extensions of a server, with the passwords of the vault."""
    called = house.called(name)
    roles(
        name=f"{what} {called}",
        server=called,
        wanted=tuple(Role(login, house.vault.get(login.secret)) for login in logins),
        databases=databases,
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
def roles(
    server: str, wanted: tuple[Role, ...], databases: tuple[Database, ...]
) -> Iterator[StringCommand]:
    """Make roles, databases and extensions as declared; what is not declared is taken away."""
    found = host.get_fact(
        Asked, server=server, database="postgres", query=statement("postgres/state.sql")
    )
    have, there = found.get("roles") or {}, found.get("databases") or {}
    steps = [step for role in wanted for step in role_sql(role, have.get(role.login.role))]
    steps += [step for each in databases for step in database_sql(each, there.get(each.database))]
    inside = {
        each.database: list(extension_sql(each, _inside(server, each, each.database in there)))
        for each in databases
    }
    if not steps and not any(inside.values()):
        host.noop(f"{server} has its roles, databases and extensions")
        return
    if state.config.DIFF:
        for what, _ in steps + [step for more in inside.values() for step in more]:
            host.log(f"  {server}: {what}", logger.info)
    # One statement per line: CREATE DATABASE refuses to be part of a transaction.
    if steps:
        yield _run(server, "postgres", steps)
    for database, more in inside.items():
        if more:
            yield _run(server, database, more)


def _inside(server: str, wanted: Database, exists: bool) -> dict[str, Any]:
    """What a database says of its extensions; nothing if it is yet to be made."""
    nothing = {"extensions": {}, "available": {}, "usage": {}, "age_closed": False,
               "large_closed": False, "closed": []}  # fmt: skip
    if not exists:
        return nothing
    query = statement("postgres/extensions.sql")
    return host.get_fact(Asked, server=server, database=wanted.database, query=query) or nothing


def _run(server: str, database: str, steps: list[tuple[str, str]]) -> StringCommand:
    return StringCommand(
        "docker exec -i", QuoteString(server), "psql -qX -v ON_ERROR_STOP=1 -U postgres -d",
        QuoteString(database), "-f -",
        _stdin="\n".join(sql for _, sql in steps),
    )  # fmt: skip


def statement(path: str) -> str:
    """A query of templates/ on one line, without its comments."""
    return " ".join(line for line in render(path).splitlines() if not line.startswith("--"))
