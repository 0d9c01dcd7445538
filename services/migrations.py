"""Migration lines, applied on the host where the database lives."""

import re
from collections.abc import Iterator

from pyinfra import host, logger, state
from pyinfra.api import FactBase, QuoteString, StringCommand, operation

from apps.migrate import lines
from schemas import ports
from services import docker
from services.container import File
from services.governance import UID, database_url
from services.house import House
from services.postgres import DATABASE, OWNER

LEDGER = "SELECT migration_id || ' ' || sha256 FROM {} ORDER BY migration_id"


class Ledger(FactBase[dict[str, str]]):
    """What a database says was applied: migration to content hash. Read-only."""

    def command(self, ask: str) -> str:
        return f"{ask} 2>/dev/null || true"

    def process(self, output: list[str]) -> dict[str, str]:
        pairs = (line.split() for line in output if re.fullmatch(r"\S+ [0-9a-f]{64}", line))
        return dict(pairs)

    @staticmethod
    def default() -> dict[str, str]:
        return {}


@operation()
def applied(line: str, ask: str, apply: StringCommand) -> Iterator[StringCommand]:
    """Bring a database to the end of its line; the runner on the host has the last word."""
    wanted = lines.checksums(line)
    have = host.get_fact(Ledger, ask=ask)
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
    return "changed on disk:" if what in wanted else "unknown here:"


def governance_line(house: House, tag: str) -> None:
    """The line ``governance``, run as its owner from the image that will serve it."""
    server = house.called("postgres-age")
    ask = LEDGER.format("ledger._abode_checksum")
    password = house.vault.get("postgres_owner")
    applied(
        name=f"Migrate {DATABASE}",
        line="governance",
        ask=f'docker exec {server} psql -qAtX -U postgres -d {DATABASE} -c "{ask}"',
        apply=docker.once(
            image=tag,
            command=["python", "-m", "apps.migrate", "apply", "governance"],
            container=house.called("governance-migrate"),
            uid=UID,
            volumes={f"{server}-socket": ports.POSTGRES_SOCKET_DIR},
            labels=house.labels,
            env={
                "DB_POSTGRES_URL": f"{database_url(OWNER)}"
                f"&passfile={ports.CONTAINER_FILES_DIR}/pgpass"
            },
            files={"pgpass": File(f"*:*:{DATABASE}:{OWNER}:{password}\n", secret=True)},
        ),
    )


def anima_line(service_user: str, home: str, run: str) -> None:
    """The line ``anima``, run by the service's own user on the Pi."""
    database = f"{home}/{ports.ANIMA_DATA_DIR}/{ports.ANIMA_DB}"
    ask = LEDGER.format("_abode_checksum")
    applied(
        name=f"Migrate {ports.ANIMA_DB}",
        line="anima",
        ask=f'sqlite3 -readonly {database} "{ask}"',
        apply=StringCommand(run, "apply anima --database", QuoteString(database)),
        _sudo_user=service_user,
    )
