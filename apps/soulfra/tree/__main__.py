"""python -m apps.soulfra.tree: in the container, make or prove the documents and the archive."""

import argparse
import json
import os
import sys
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any, Final

import psycopg

from apps.postgres import alone
from apps.soulfra.settings import Settings, settings
from apps.soulfra.tree.archive import archive, verify
from apps.soulfra.tree.check import check
from apps.soulfra.tree.keep import Keeper
from apps.soulfra.tree.look import Connection
from schemas.errors import Diverged, HouseError, Refused, Unreachable

STATEMENT_MS: Final = 600_000
"""Of millions of rows, from a program that somebody waits for."""
MOST: Final = 1_000
"""As many are told."""


def folder(told: Settings) -> Path:
    """Where documents lie."""
    if told.data_dir is None:
        raise Refused("SOULFRA_DATA_DIR: is not set", "documents lie in its volume")
    return told.data_dir


def connected(told: Settings) -> Connection:
    """For long statements, beside the pool."""
    return alone(told.postgres, STATEMENT_MS)


def said(what: str, told: Settings) -> dict[str, Any]:
    """Do it; what there is to say of it."""
    root = folder(told)
    if what == "verify":
        return {"faults": [asdict(each) for each in islice(verify(root), MOST)]}
    with connected(told) as conn:
        if what == "snapshot":
            made = Keeper(root).round(conn, everything=True)
            return {"made": made.model_dump(mode="json")}
        if what == "check":
            found = list(islice(check(conn, root), MOST))
            return {
                "faults": [asdict(each) for each in found if each.is_bad],
                "behind": [each.place for each in found if not each.is_bad],
            }
        return {"archived": [each.model_dump(mode="json") for each in archive(conn, root)]}


def main(argv: list[str] | None = None) -> int:
    """One JSON object; exit 4 when something is not as it should be."""
    parser = argparse.ArgumentParser(prog="python -m apps.soulfra.tree", description=__doc__)
    parser.add_argument("what", choices=("snapshot", "check", "archive", "verify"))
    what = parser.parse_args(argv).what
    try:
        answer = said(what, settings(os.environ))
    except HouseError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    except psycopg.OperationalError as error:
        gone = Unreachable(f"postgres: {type(error).__name__}", "abode status")
        sys.stderr.write(f"{gone}\n")
        return gone.exit_code
    sys.stdout.write(json.dumps(answer) + "\n")
    return Diverged.exit_code if answer.get("faults") else 0


if __name__ == "__main__":
    sys.exit(main())
