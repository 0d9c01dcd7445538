"""python -m apps.migrate.catalog LINE: write the committed snapshot anew, from what is built."""

import argparse
import sys

from apps.migrate import lines
from apps.migrate.catalog import build, snapshot
from schemas.errors import HouseError, Refused


def main(argv: list[str] | None = None) -> int:
    """Build the line in a scratch database and keep what came of it. Gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m apps.migrate.catalog", description=__doc__)
    parser.add_argument("line", metavar="LINE")
    parser.add_argument("--scratch", metavar="URL", help="Postgres: is emptied first")
    asked = parser.parse_args(argv)
    try:
        line = lines.line(asked.line)
        if line.engine == "postgres" and not asked.scratch:
            raise Refused(f"{line.name}: where to build?", "pass --scratch; it is emptied first")
        built = build.in_scratch(line, asked.scratch) if asked.scratch else build.in_file(line)
        sys.stdout.write(f"wrote {snapshot.write(line, built)}\n")
    except HouseError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
