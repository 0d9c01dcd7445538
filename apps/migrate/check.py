"""What lives, against what its line builds, both ways."""

from collections.abc import Mapping
from pathlib import Path

from apps.migrate.catalog import (
    Difference,
    build,
    difference,
    disordered,
    graph,
    postgres,
    server,
    snapshot,
)
from apps.migrate.evolve.between import OURS, explained, unfinished
from apps.migrate.lines import Line
from schemas.errors import Refused
from schemas.quantity import Closed
from schemas.server import TENANTS

MAY_BE_UNSEEN = ("setting server ", "database scratch")


class Report(Closed):
    """What a check found; the shape of ``--json``."""

    line: str
    clean: bool
    differences: tuple[Difference, ...]


def check(
    line: Line,
    database: str,
    *,
    scratch: str | None = None,
    live: Path | None = None,
    declared: Mapping[str, str] | None = None,
    alone: bool = False,
) -> list[Difference]:
    """How a database differs from the line built anew, and its server from its declaration.

    ``scratch`` is where a Postgres line is built: ``<database>_scratch`` unless it is said.
    ``live`` holds what somebody who sees more than its owner read of it. ``alone`` is on a server
    that has no other tenant.
    """
    if line.engine == "sqlite":
        path = Path(database)
        return in_file(build.in_file(line, path), build.file(line, path))
    actual = _said(live) if live else build.live(line, database)
    between = unfinished(line, database)
    wanted = build.in_scratch(line, scratch or build.scratch_of(database), between)
    found = against(wanted, actual, declared or server.held(TENANTS[line.name], alone=alone))
    return explained(between, found)


def against(
    wanted: Mapping[str, str], actual: Mapping[str, str], held: Mapping[str, str]
) -> list[Difference]:
    """How a Postgres database differs from what a line makes and from what its server holds."""
    # Not every role may see every setting, and a line may be built elsewhere.
    unseen = {n for n in held if n.startswith(MAY_BE_UNSEEN) and n not in actual}
    expected = {**snapshot.built(wanted), **held}
    expected = {n: said for n, said in expected.items() if n not in unseen and OURS not in n}
    seen = {name: said for name, said in actual.items() if OURS not in name}
    found = graph.without_declared(seen)
    return difference(expected, found) + disordered(expected, found)


def in_file(wanted: Mapping[str, str], actual: Mapping[str, str]) -> list[Difference]:
    """How an SQLite file differs from what a line makes."""
    return difference(wanted, actual) + disordered(wanted, actual)


def report(line: Line, differences: list[Difference]) -> Report:
    """The same as a closed model."""
    return Report(line=line.name, clean=not differences, differences=tuple(differences))


def _said(live: Path) -> dict[str, str]:
    try:
        return postgres.parse(live.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Refused(f"{live}: {error}", "let psql write it from the catalog's script") from None
