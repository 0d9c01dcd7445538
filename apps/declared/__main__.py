"""python -m apps.declared [--check]: writes governance's post-apply.comments.sql from schemas."""

import argparse
import sys
from pathlib import Path
from typing import Final

from apps.declared import postgres
from apps.declared.everything import tables
from apps.declared.field import fields
from apps.migrate.lines import MIGRATIONS
from schemas.errors import Diverged, HouseError, Refused
from schemas.governance.tables import SCHEMAS

FILE: Final = MIGRATIONS / "governance" / "post-apply.comments.sql"
HEAD: Final = "-- What each schema, table and column is. Written by: python -m apps.declared\n"


def comments() -> str:
    """The whole file; a table or a column that says nothing is refused."""
    declared = tables("governance")
    silent = [t.table for t in declared if not postgres.summary(t)]
    silent += [f"{t.table}.{f.name}" for t in declared for f in fields(t) if not f.says]
    silent += sorted({t.table.partition(".")[0] for t in declared} - SCHEMAS.keys())
    if silent:
        raise Refused(f"nothing is said of {', '.join(silent)}", "give it Column(says) or a text")
    return "\n".join([HEAD, *postgres.comments(declared, SCHEMAS), ""])


def main(argv: list[str] | None = None, file: Path = FILE) -> int:
    """Write the file, or with --check exit 4 when it is stale."""
    parser = argparse.ArgumentParser(prog="python -m apps.declared", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 4 when stale")
    check = parser.parse_args(argv).check
    try:
        after = comments()
        stale = not file.is_file() or file.read_text(encoding="utf-8") != after
        if check and stale:
            raise Diverged(f"{file.name} is not what schemas say", hint="python -m apps.declared")
    except HouseError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    if stale:
        file.write_text(after, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
