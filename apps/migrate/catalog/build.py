"""A line built anew, and what lives, each as a catalog."""

import sqlite3
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from apps.migrate import runner
from apps.migrate.catalog import postgres
from apps.migrate.catalog import sqlite as files
from apps.migrate.errors import Locked
from apps.migrate.evolve.between import put, shortened
from apps.migrate.evolve.standing import Standing
from apps.migrate.lines import Line
from apps.migrate.rebuild import is_adopted, rebuild
from apps.queries import load
from schemas.errors import Refused

SQL = load(Path(__file__).with_suffix(".sql"))
CHECK_KEY: Final = 0x636865636B
"""'check': held in the scratch database while somebody builds there."""
WAIT_SECONDS: Final = 60.0


def live(line: Line, database: str) -> dict[str, str]:
    """The catalog of a Postgres database, as far as the caller's role sees it."""
    with runner.opened(line, database, readonly=True) as ledger:
        return postgres.read(ledger.connection)


def in_scratch(line: Line, scratch: str, between: Sequence[Standing] = ()) -> dict[str, str]:
    """The catalog of the line, built in a scratch database that is emptied before.

    ``between`` are evolutions that are not at their end yet, as far as they are.
    """
    with runner.opened(line, scratch) as holder:
        _hold(holder.connection, line.name)
        # AGE 1.5 kills a backend that dropped a graph when another one makes it again.
        with runner.opened(line, scratch) as ledger:
            _empty(ledger.connection)
        runner.apply(shortened(line, between), scratch)
        if between:
            put(line, scratch, between)
        return live(line, scratch)


def scratch_of(database: str) -> str:
    """Where a database's line is built: beside it, by the same role."""
    parts = urlsplit(database)
    if not parts.scheme or parts.path in {"", "/"}:
        raise Refused("the scratch database is not said", "pass --scratch postgresql://...")
    return urlunsplit(parts._replace(path=f"{parts.path}_scratch"))


def file(line: Line, path: Path) -> dict[str, str]:
    """The catalog of an SQLite file. Leaves no trace beside it."""
    if not path.is_file():
        raise Refused(f"{path}: no such file")
    with runner.opened(line, str(path), readonly=True) as ledger:
        found = files.read(ledger.connection)
    # A file opened as immutable has no journal at all; its header says what it will have.
    with path.open("rb") as opened:
        found["pragma journal_mode"] = "wal" if opened.read(20)[18:] == b"\2\2" else "delete"
    return found


def in_file(line: Line, like: Path | None = None) -> dict[str, str]:
    """The catalog of the line, built in a file that is gone afterwards.

    ``like`` is a live file: an adopted one keeps the shapes that were there before us.
    """
    with tempfile.TemporaryDirectory(prefix="abode-check-") as folder:
        path = Path(folder) / "scratch.db"
        if like is None or not _rebuilt(line, like, path):
            runner.apply(line, str(path))
        return file(line, path)


def _rebuilt(line: Line, like: Path, path: Path) -> bool:
    """Make what an adopted file must look like; whether it is one."""
    with runner.opened(line, str(like), readonly=True) as ledger:
        if not is_adopted(ledger.connection):
            return False
        with closing(sqlite3.connect(path, isolation_level=None)) as empty:
            empty.execute("PRAGMA journal_mode = WAL")
            rebuild(line, ledger.connection, empty)
    return True


def _hold(connection: Any, name: str) -> None:
    """Keep other checks out; the server lets them in when this connection ends."""
    until = time.monotonic() + WAIT_SECONDS
    while not connection.execute(SQL["hold"], {"key": CHECK_KEY}).fetchone()[0]:
        if time.monotonic() > until:
            raise Locked(
                f"{name}: another check is running", f"waited {WAIT_SECONDS:g} s; run again"
            )
        time.sleep(0.1)


def _empty(connection: Any) -> None:
    """Drop what the role owns: graphs by their own function, then schemas."""
    with connection.transaction():
        for (graph,) in connection.execute(SQL["graphs"]).fetchall():
            connection.execute(SQL["drop_graph"], {"graph": graph})
        for (statement,) in connection.execute(SQL["drops"]).fetchall():
            connection.execute(statement)
