"""Whether a file is the one that this release was built for, and whole where it grows."""

import sqlite3
from collections.abc import Mapping
from pathlib import Path

from apps.anima.instants import Zones, zones
from apps.migrate.lines import line, require
from apps.sqlite import MALFORMED, RESTORE
from schemas.anima.tables import TABLES
from schemas.errors import Diverged, Unreachable

Queries = Mapping[str, str]
LEDGER = "_yoyo_migration"
ADOPTED = "_abode_adopted"


def check(db: sqlite3.Connection, path: Path, queries: Queries, statements: Queries) -> Zones:
    """Refuse a file that this release was not built for, or that is damaged where it grows.

    Quick, however large the file; the whole of it is read later, by ``Checkup``. ``statements`` are
    those that must be able to run. Gives the time zones of an adopted file.
    """
    try:
        found: dict[str, set[str]] = {}
        for row in db.execute(queries["tables_of_the_store"]).fetchall():
            found.setdefault(row["table_name"], set()).add(row["column_name"])
        applied = db.execute(queries["applied"]).fetchall() if LEDGER in found else []
        _is_a_line([row["migration_id"] for row in applied], path)
        require("anima", [row["migration_id"] for row in applied])
        _are_there(found, path)
        _can_be_run(db, statements, path)
        db.execute(queries["newest_rows"]).fetchall()
        return zones(db, queries["adopted"]) if ADOPTED in found else {}
    except sqlite3.OperationalError as error:
        raise Unreachable(f"{path}: {error}", hint="is the disk full, or not ours?") from error
    except MALFORMED as error:
        raise Diverged(f"{path}: {error}", hint=RESTORE) from error


def _is_a_line(applied: list[str], path: Path) -> None:
    """A ledger is behind this release or ahead of it; one with a hole was not left by a deploy."""
    wanted = line("anima").migrations()
    known = [i for i in wanted if i in applied]
    odd = [i for i in applied if i not in wanted and i[:4] <= wanted[-1][:4]]
    if odd or known != list(wanted[: len(known)]):
        raise Diverged(f"{path}: its ledger has a hole", hint=RESTORE)


def _are_there(found: dict[str, set[str]], path: Path) -> None:
    """What the ledger says is done may have been undone by hand."""
    for model in TABLES:
        for column in model.model_fields:
            if column not in found.get(model.table, ()):
                raise Diverged(f"{path}: {model.table}.{column} is missing", hint=RESTORE)


class _Nothing(dict[str, None]):
    """NULL for any parameter."""

    def __missing__(self, _name: str) -> None:
        return None


def _can_be_run(db: sqlite3.Connection, statements: Queries, path: Path) -> None:
    """What only statements know of a table: SQLite is asked whether it could run each of them."""
    for name, sql in statements.items():
        try:
            db.execute(f"EXPLAIN {sql}", _Nothing()).fetchone()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_ERROR:
                raise
            raise Diverged(f"{path}: {name}: {error}", hint=RESTORE) from None
