"""The end of a deploy: what lives is what the migrations build, or the deploy says what is not."""

import hashlib
from collections.abc import Iterator
from typing import Any, Final

from pyinfra import host, logger, state
from pyinfra.api import FunctionCommand, QuoteString, StringCommand, operation

from apps.migrate import check, lines
from apps.migrate.catalog import Difference, postgres, server, snapshot, sqlite
from schemas import ports
from schemas.hosts import PiHost
from schemas.server import TENANTS
from services.container import File
from services.house import House
from services.migrations import (
    ANIMA_RUN,
    PROVEN,
    Stated,
    anima_ask,
    catalog_of,
    postgres_ask,
    runs,
    said_of,
)

SAID: Final = 12
"""Differences that a dry run names."""


@operation()
def proven(
    line: str,
    ask: str,
    proof: tuple[StringCommand | FunctionCommand, ...],
    *,
    alone: bool = False,
) -> Iterator[Any]:
    """What lives is what the line builds. What converges is done again first; the rest fails.

    The committed snapshot is what the line builds, so a database that is like it needs no proof.
    """
    stated = host.get_fact(Stated, ask=ask)
    drift = drifted(line, stated["catalog"], alone=alone)
    if not drift or stated["proven"] == mark(line, stated["catalog"]):
        host.noop(f"{line} is as its migrations make it")
        return
    # Before the first migration, and before a new one, everything of it differs.
    if state.config.DIFF and stated["ledger"] == lines.checksums(line):
        for each in drift[:SAID]:
            host.log(f"  {line}: {each}", logger.info)
        if len(drift) > SAID:
            host.log(f"  {line}: and {len(drift) - SAID} more", logger.info)
    yield from proof


def drifted(line: str, catalog: str, *, alone: bool = False) -> list[Difference]:
    """How what lives differs from the committed snapshot and from the declared server."""
    of = lines.line(line)
    if of.engine == "sqlite":
        return check.in_file(snapshot.read(of), sqlite.parse(catalog))
    held = server.held(TENANTS[line], alone=alone)
    return check.against(snapshot.read(of), postgres.parse(catalog), held)


def mark(line: str, catalog: str) -> str:
    """What a proof leaves behind: an adopted file is never like the snapshot, and yet as it must.

    It holds for this catalog and this release's line only.
    """
    return PROVEN + hashlib.sha256(f"{catalog}\n{_release(line)}\n".encode()).hexdigest()


def _release(line: str) -> str:
    of = lines.line(line)
    return hashlib.sha256(snapshot.path(of).read_bytes()).hexdigest()


def postgres_proof(house: House, tag: str, line: str, server: str = "postgres-age") -> None:
    """That a database is what its line builds, in the scratch database beside it."""
    alone = server != "postgres-age"
    ask = postgres_ask(house.called(server), line)

    def compared(state: Any, host: Any) -> bool:
        """Build the line, and compare it with what the superuser sees."""
        _, answer = StringCommand(ask).execute(state, host, {})
        catalog = Stated().process(answer.stdout_lines)["catalog"]
        command = runs(
            house, tag, line, "check", "--live", f"{ports.CONTAINER_FILES_DIR}/live.json",
            *(["--alone"] if alone else []), files={"live.json": File(catalog)}, server=server,
        )  # fmt: skip
        ended_well, said = command.execute(state, host, {})
        for text in () if ended_well else said.output_lines:
            host.log(text, logger.error)
        return bool(ended_well)

    proven(
        name=f"Prove {said_of(line, server)}",
        line=line,
        ask=ask,
        proof=(
            runs(house, tag, line, "apply", "--again", server=server),
            FunctionCommand(compared, (), {}),
        ),
    )


def anima_proof(pi: PiHost) -> None:
    """That ``anima.db`` is what its line builds, in a file that is gone afterwards."""
    proven(
        name=f"Prove {ports.ANIMA_DB}",
        line="anima",
        ask=anima_ask(pi.database),
        proof=(
            StringCommand(ANIMA_RUN, "anima check --database", QuoteString(pi.database)),
            StringCommand(keep_mark(pi.database)),
        ),
        _sudo_user=pi.user,
    )


def keep_mark(database: str) -> str:
    """What leaves, beside a file, that it was proven."""
    said = f"{{ {catalog_of(database)}; echo {_release('anima')}; }}"
    return f"{said} | sha256sum | sed 's/^/{PROVEN}/; s/ *-$//' >{database}.proven"
