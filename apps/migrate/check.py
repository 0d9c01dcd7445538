"""python -m apps.migrate.check LINE: what lives, against what the line builds, both ways."""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from apps.migrate import lines, runner
from apps.migrate.catalog import (
    Difference,
    build,
    difference,
    graph,
    postgres,
    server,
    shown,
    snapshot,
)
from apps.migrate.lines import Line
from schemas.errors import Diverged, HouseError, Refused
from schemas.quantity import Closed


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
) -> list[Difference]:
    """How a database differs from the line built anew, and its server from its declaration.

    ``scratch`` is where a Postgres line is built: ``<database>_scratch`` unless it is said.
    ``live`` holds what somebody who sees more than its owner read of it.
    """
    if line.engine == "sqlite":
        path = Path(database)
        return difference(build.in_file(line, path), build.file(line, path))
    actual = postgres.parse(live.read_text()) if live else build.live(line, database)
    wanted = build.in_scratch(line, scratch or build.scratch_of(database))
    return against(wanted, actual, declared)


def against(
    wanted: Mapping[str, str], actual: Mapping[str, str], declared: Mapping[str, str] | None = None
) -> list[Difference]:
    """How a Postgres database differs from what a line makes and from what is declared."""
    held = server.declared() if declared is None else declared
    # Not every role may see every setting.
    unseen = {name for name in held if name.startswith("setting server ") and name not in actual}
    expected = {**snapshot.built(wanted), **held}
    expected = {name: said for name, said in expected.items() if name not in unseen}
    return difference(expected, graph.without_declared(actual))


def report(line: Line, differences: list[Difference]) -> Report:
    """The same as a closed model."""
    return Report(line=line.name, clean=not differences, differences=tuple(differences))


def main(argv: list[str] | None = None) -> int:
    """Check, or write the committed snapshot anew. Gives the exit code: 4 for drift."""
    parser = argparse.ArgumentParser(prog="python -m apps.migrate.check", description=__doc__)
    parser.add_argument("line", metavar="LINE")
    parser.add_argument("--database", metavar="URL_OR_PATH", help="else by the environment")
    parser.add_argument("--scratch", metavar="URL", help="else <database>_scratch; is emptied")
    parser.add_argument("--live", metavar="FILE", type=Path, help="what was read of the database")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--write-snapshot", action="store_true", help="of the line, built anew")
    asked = parser.parse_args(argv)
    try:
        line = lines.line(asked.line)
        if asked.write_snapshot:
            sys.stdout.write(f"{write_snapshot(line, asked.scratch)}\n")
            return 0
        database = asked.database or runner.database_of(line)
        found = check(line, database, scratch=asked.scratch, live=asked.live)
    except HouseError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    if asked.json:
        sys.stdout.write(report(line, found).model_dump_json() + "\n")
    elif found:
        count = f"{len(found)} difference{'s' * (len(found) != 1)}"
        sys.stderr.write(f"{line.name}: {count} from what is declared\n{shown(found)}\n")
        sys.stderr.write("  hint: undo what was made by hand, or make it a migration\n")
    else:
        sys.stdout.write(f"{line.name}: as declared\n")
    return Diverged.exit_code if found else 0


def write_snapshot(line: Line, scratch: str | None = None) -> Path:
    """Build the line anew and commit to what it makes; Postgres needs an empty scratch database."""
    if line.engine == "sqlite":
        return snapshot.write(line, build.in_file(line))
    if scratch is None:
        raise Refused(f"{line.name}: where to build?", "pass --scratch URL; it is emptied first")
    return snapshot.write(line, build.in_scratch(line, scratch))


if __name__ == "__main__":
    sys.exit(main())
