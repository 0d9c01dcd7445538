"""Migration lines, applied on the host where the database lives."""

import re
import shlex
from collections.abc import Iterator
from typing import Any, Final

from pyinfra import host, logger, state
from pyinfra.api import FactBase, QuoteString, StringCommand, operation

from apps.migrate import lines
from apps.migrate.catalog import postgres, sqlite
from schemas import ports
from schemas.hosts import PiHost
from schemas.server import TENANTS
from services import docker
from services.container import File
from services.governance import UID, database_url
from services.house import House

UNSIGNED: Final = "unsigned"
LEDGER: Final = (
    f"SELECT m.migration_id || ' ' || coalesce(c.sha256, '{UNSIGNED}')"
    " FROM {0}_yoyo_migration AS m"
    " LEFT JOIN {0}_abode_checksum AS c ON c.migration_id = m.migration_id"
    " AND (c.applied_at_utc IS NULL OR c.applied_at_utc = m.applied_at_utc)"
    " UNION ALL SELECT c.migration_id || ' ' || c.sha256 FROM {0}_abode_checksum AS c"
    " WHERE c.migration_id LIKE 'post-apply.%' ORDER BY 1;"
)
"""What a database says was applied, as apps/migrate/plan.py takes it: plain yoyo signs nothing,
and leaves our row behind when it rolls back."""
ROW: Final = rf"\S+ ([0-9a-f]{{64}}|{UNSIGNED})"
PROVEN: Final = "proven "
ANIMA_RUN: Final = f"cd {ports.ANIMA_CODE_DIR}/current/code && ../venv/bin/python -m apps.migrate"
"""The runner of the release that is current on a Pi."""


class Stated(FactBase[dict[str, Any]]):
    """What a database says of itself: ``ledger``, ``catalog``, and what it was ``proven`` to be."""

    def command(self, ask: str) -> str:
        return f"{ask} 2>/dev/null || true"

    def process(self, output: list[str]) -> dict[str, Any]:
        at = next((n for n, line in enumerate(output) if line.startswith("[")), len(output))
        pairs = (line.split() for line in output[:at] if re.fullmatch(ROW, line))
        said = {"ledger": dict(pairs), "catalog": "\n".join(output[at:]), "proven": ""}
        if output and output[-1].startswith(PROVEN):
            said |= {"catalog": "\n".join(output[at:-1]), "proven": output[-1]}
        return said

    @staticmethod
    def default() -> dict[str, Any]:
        return {"ledger": {}, "catalog": "", "proven": ""}


@operation()
def applied(line: str, ask: str, apply: StringCommand) -> Iterator[StringCommand]:
    """Bring a database to the end of its line; the runner on the host has the last word."""
    wanted = lines.checksums(line)
    have = host.get_fact(Stated, ask=ask)["ledger"]
    if have == wanted:
        host.noop(f"{line} is at {lines.line(line).migrations()[-1]}")
        return
    if state.config.DIFF:
        for what in sorted(wanted.keys() | have.keys()):
            if have.get(what) != wanted.get(what):
                host.log(f"  {line}: {_said(what, have, wanted)} {what}", logger.info)
    yield apply


def _said(what: str, have: dict[str, str], wanted: dict[str, str]) -> str:
    if what not in have:
        return "apply"
    if what not in wanted:
        return "unknown here:"
    return "sign" if have[what] == UNSIGNED else "changed on disk:"


def postgres_ask(server: str, line: str) -> str:
    """Ledger and catalog in one answer, asked by the one who sees all: inside its container."""
    psql = f"docker exec {server} psql -qAtX -U postgres -d {TENANTS[line].database.database}"
    script = " ".join(line.strip() for line in postgres.script().splitlines())
    return f'{psql} -c "{LEDGER.format("ledger.")}" -c {shlex.quote(script)}'


def runs(
    house: House,
    tag: str,
    line: str,
    *words: str,
    files: dict[str, File] | None = None,
    server: str = "postgres-age",
) -> StringCommand:
    """The runner, as the owner of the line's database, from an image that has the line."""
    database = TENANTS[line].database
    owner = next(login for login in TENANTS[line].logins if login.role == database.owner)
    password = house.vault.get(owner.secret)
    url = database_url(owner.role, database.database)
    return docker.once(
        image=tag,
        command=["python", "-m", "apps.migrate", line, *words],
        container=house.called("governance-migrate"),
        uid=UID,
        volumes={f"{house.called(server)}-socket": ports.POSTGRES_SOCKET_DIR},
        labels=house.labels,
        env={"DB_POSTGRES_URL": f"{url}&passfile={ports.CONTAINER_FILES_DIR}/pgpass"},
        # Also for the scratch database beside it.
        files={"pgpass": File(f"*:*:*:{owner.role}:{password}\n", secret=True), **(files or {})},
    )


def postgres_line(house: House, tag: str, line: str, server: str = "postgres-age") -> None:
    """A line of a Postgres server, in the container that comes and goes."""
    applied(
        name=f"Migrate {said_of(line, server)}",
        line=line,
        ask=postgres_ask(house.called(server), line),
        apply=runs(house, tag, line, "apply", server=server),
    )


def said_of(line: str, server: str) -> str:
    """A line's database, and the server if it is not the house's first."""
    database = TENANTS[line].database.database
    return database if server == "postgres-age" else f"{database} in {server}"


def anima_line(pi: PiHost) -> None:
    """The line ``anima``, run by the service's own user on the Pi."""
    applied(
        name=f"Migrate {ports.ANIMA_DB}",
        line="anima",
        ask=anima_ask(pi.database),
        apply=StringCommand(ANIMA_RUN, "anima apply --database", QuoteString(pi.database)),
        _sudo_user=pi.user,
    )


def anima_ask(database: str) -> str:
    """Ledger and catalog of a file, and the mark of its last proof."""
    ledger = f'sqlite3 -readonly {database} "{LEDGER.format("")}"'
    return f"{{ {ledger}; {catalog_of(database)}; cat {database}.proven; }}"


def catalog_of(database: str) -> str:
    """What asks a file for its catalog."""
    script = " ".join(line.strip() for line in sqlite.script().splitlines())
    return f"sqlite3 -readonly {database} {shlex.quote(script)}"
