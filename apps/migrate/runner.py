"""What can be done with a line: look, go forward, go back."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from apps.migrate.atomic import Atomic, Plan
from apps.migrate.lines import Line
from apps.migrate.sqlite import SQLite
from schemas.errors import Refused
from schemas.ports import ANIMA_DB

WAIT_SECONDS: Final = 10.0
"""How long to wait for another runner of the same line."""


def database_of(line: Line) -> str:
    """Where the line's database is, by the environment."""
    name = {"postgres": "DB_POSTGRES_URL", "sqlite": "ANIMA_HOME"}[line.engine]
    value = os.environ.get(name)
    if not value:
        raise Refused(f"{line.name}: {name} is not set", hint=f"set {name}, or pass --database")
    return value if line.engine == "postgres" else str(Path(value) / ANIMA_DB)


def status(line: Line, database: str) -> Plan:
    """Compare files and ledger. Takes no lock and writes nothing."""
    with _open(line, database, readonly=True) as backend:
        return backend.plan()


def apply(line: Line, database: str, wait: float = WAIT_SECONDS) -> tuple[str, ...]:
    """Apply what is pending, then run what follows every migration. Gives what ran."""
    with _open(line, database) as backend, backend.lock(wait):
        plan = backend.plan()
        plan.check(line)
        for migration in plan.pending:
            backend.apply(migration)
        for name in plan.gone:
            backend.forget(name)
        due = backend.plan().due
        for name in due:
            backend.post_apply(name)
        return (*plan.pending, *due)


def rollback(
    line: Line,
    database: str,
    *,
    to: str | None = None,
    steps: int = 1,
    wait: float = WAIT_SECONDS,
) -> tuple[str, ...]:
    """Undo the newest ``steps`` migrations, or all that came after ``to``. Gives what ran.

    ``to`` is an id or its number, and stays applied; ``0000`` is before the first.
    """
    if not status(line, database).applied:
        raise Refused(f"{line.name}: nothing is applied")
    with _open(line, database) as backend, backend.lock(wait):
        plan = backend.plan()
        plan.check(line)
        newest = sorted(plan.applied, reverse=True)
        undo = newest[:steps] if to is None else _after(line, to, newest)
        for migration in undo:
            backend.roll_back(migration)
        return tuple(undo)


def _after(line: Line, to: str, newest: list[str]) -> list[str]:
    """What was applied after ``to``, newest first."""
    if to == "0000":
        return newest
    for place, migration in enumerate(newest):
        if to in {migration, migration[:4]}:
            return newest[:place]
    raise Refused(f"{line.name}: {to!r} is not applied", hint=f"applied are {', '.join(newest)}")


@contextmanager
def _open(line: Line, database: str, *, readonly: bool = False) -> Iterator[Atomic]:
    line.check()
    backend = _backend(line, database, readonly)
    try:
        yield backend
    except backend.DatabaseError as error:
        raise backend.explain(error) from error
    finally:
        backend.connection.close()


def _backend(line: Line, database: str, readonly: bool) -> Atomic:
    if line.engine == "sqlite":
        if "://" in database:
            raise Refused(f"{line.name}: the database is a file", hint="pass a path, not a URL")
        return SQLite(line, str(Path(database).absolute()), readonly=readonly)
    # The Pi has no psycopg.
    from apps.migrate.postgres import Postgres, database_url  # noqa: PLC0415

    return Postgres(line, database_url(database), readonly=readonly)
