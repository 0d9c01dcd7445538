"""Lines that live in an SQLite file."""

import fcntl
import json
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from apps.migrate.errors import Locked, Loss
from apps.migrate.ledger import SQL, Failed, Ledger, Patience, Say
from apps.migrate.lines import Line
from apps.migrate.snapshot import snapshot
from apps.migrate.statements import statements
from schemas.errors import HouseError, Refused, Unreachable

_BUSY = {"SQLITE_BUSY", "SQLITE_BUSY_SNAPSHOT", "SQLITE_LOCKED"}
_ENDS = {sqlite3.SQLITE_TRANSACTION, sqlite3.SQLITE_SAVEPOINT}
_CHANGES = {
    sqlite3.SQLITE_ALTER_TABLE,
    sqlite3.SQLITE_DELETE,
    sqlite3.SQLITE_DROP_TABLE,
    sqlite3.SQLITE_INSERT,
    sqlite3.SQLITE_UPDATE,
}
_STEPS = 100_000
"""Steps of SQLite's machine between two looks at the clock."""


class SQLite(Ledger):
    """An SQLite file with a ledger."""

    engine = "sqlite"
    error = sqlite3.Error

    def __init__(
        self, line: Line, database: str, patience: Patience, *, readonly: bool = False
    ) -> None:
        super().__init__(line, patience, readonly=readonly)
        self.path = Path(database)
        self.changed: set[str] = set()
        if readonly:
            uri = _readonly(self.path)
        else:
            _create(self.path)
            uri = f"file:{quote(str(self.path))}?mode=rw"
        try:
            self.connection = sqlite3.connect(
                uri, uri=True, timeout=patience.runner, isolation_level=None
            )
        except sqlite3.OperationalError as error:
            raise Unreachable(f"{self.path}: {error}") from None

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold a lock on the file beside the database: the kernel drops it with us."""
        # One lock, by whatever name the file is reached.
        path, wait = f"{self.path.resolve()}.migrate.lock", self.patience.runner
        with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+") as file:
            end = time.monotonic() + wait
            while not _locked(file.fileno()):
                if time.monotonic() > end:
                    raise Locked(
                        f"{self.line.name}: migrations are running: pid {file.read().strip()}",
                        hint=f"waited {wait:g} s; let it finish, then run again",
                    )
                time.sleep(0.05)
            file.truncate(0)
            file.write(f"{os.getpid()}\n")
            file.flush()
            if self.ask("PRAGMA journal_mode=WAL").fetchone() != ("wal",):
                raise Refused(f"{self.path}: cannot keep a write-ahead log here")
            yield

    @contextmanager
    def transaction(
        self,
        *,
        keep: bool = True,
        of: str | None = None,  # noqa: ARG002  # nothing is far away
    ) -> Iterator[None]:
        """One transaction that holds the write lock from the start: taken later it could fail."""
        self._wait(self.patience.lock)
        try:
            self.ask("BEGIN IMMEDIATE")
            yield
            self.ask("COMMIT" if keep else "ROLLBACK")
        except BaseException:
            if self.connection.in_transaction:
                self.ask("ROLLBACK")
            raise
        finally:
            # Our own rows are small and must be written: they may wait longer.
            self._wait(self.patience.runner)

    def ask(self, sql: str, values: Mapping[str, Any] | None = None) -> Any:
        """Instants are written as ISO-8601 in UTC."""
        return self.connection.execute(sql, {k: _text(v) for k, v in (values or {}).items()})

    def tell(self, sql: str, values: Mapping[str, Any] | None = None) -> None:
        """Our own statements may be several in one text."""
        for _, statement in statements(sql):
            self.ask(statement, values)

    def run(self, text: str, promises: Sequence[str] = ()) -> str | None:
        """One statement after the other, none longer than we are patient."""
        self.connection.set_authorizer(self._may)
        try:
            for line, statement in statements(text):
                self._timed(statement, line)
            # SQLite's true is 1.
            return next((each for each in promises if self._timed(each) != [(1,)]), None)
        finally:
            self.connection.set_authorizer(None)

    def _may(self, action: int, first: str | None, second: str | None, *_: object) -> int:
        """Note which tables a file changes; the transaction is ours."""
        if action in _ENDS:
            return sqlite3.SQLITE_DENY
        if action in _CHANGES:
            self.changed.add(str(second if action == sqlite3.SQLITE_ALTER_TABLE else first))
        return sqlite3.SQLITE_OK

    def _timed(self, statement: str, line: int | None = None) -> list[Any]:
        end = time.monotonic() + self.patience.statement
        self.connection.set_progress_handler(lambda: time.monotonic() > end, _STEPS)
        try:
            return list(self.connection.execute(statement))
        except sqlite3.Error as error:
            raise Failed(error, line) from error
        finally:
            self.connection.set_progress_handler(None, 0)

    def explain(self, failed: Failed) -> HouseError:
        """What SQLite said of which migration."""
        at = self.at if failed.line is None else f"{self.at} line {failed.line}"
        if self.busy(failed.error):
            said = f"{self.path}: migration {at}: {failed.error}"
            return Locked(said, hint="something holds it; run again")
        name = getattr(failed.error, "sqlite_errorname", "")
        if name == "SQLITE_AUTH":
            return Refused(f"migration {at}: only the runner ends its transaction")
        if name == "SQLITE_INTERRUPT":
            return Refused(f"migration {at}: not done within {self.patience.statement:g} s")
        hint = None
        if str(failed.error).endswith("already exists") and not self.plan().applied:
            hint = f"made without us? abode migrate {self.line.name} adopt {self.path} --zone ..."
        return Refused(f"migration {at}: {failed.error}", hint)

    def busy(self, error: Exception) -> bool:
        """Somebody else writes."""
        return getattr(error, "sqlite_errorname", "") in _BUSY

    def columns(self) -> dict[str, set[str]]:
        """By SQLite's own catalog."""
        found: dict[str, set[str]] = {}
        for table, column in self.ask(SQL["sqlite_ledger"]).fetchall():
            found.setdefault(table, set()).add(column)
        return found

    def is_abandoned(self, pid: int) -> bool:
        """Whoever opens the file is a process of this machine."""
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            return False
        return False

    def keep(
        self,
        undo: Sequence[str],
        losses: Sequence[Loss],  # noqa: ARG002  # the whole file is kept
        folder: Path | None,  # noqa: ARG002  # beside it
        say: Say,
    ) -> tuple[Path, ...]:
        """Copy the file: our own transaction holds the write lock and has changed nothing yet."""
        say(f"keeping {self.path}")
        return (snapshot(self.path, f"before-rollback-{undo[-1][:4]}", say),)

    def tables(self) -> dict[str, list[str]]:
        """But for the ledger and SQLite's own."""
        return {name: json.loads(columns) for name, columns in self.ask(SQL["sqlite_tables"])}

    def touched(self) -> set[str]:
        """As the files ran in this connection told."""
        return set(self.changed)

    def hold(self, tables: Iterable[str]) -> None:
        """The transaction holds the whole file."""

    def content_of(self, table: str, columns: Sequence[str]) -> tuple[int, int]:
        """By this process's own hash: repr tells 1 from 1.0 and -1 from -2."""
        names = ", ".join(self.quoted(column) for column in columns)
        rows, whole = 0, 0
        for row in self.ask(f"SELECT {names} FROM {self.quoted(table)}"):  # noqa: S608  # quoted
            rows, whole = rows + 1, whole + hash(repr(row))
        return rows, whole

    def quoted(self, name: str) -> str:
        """In double quotes."""
        return '"{}"'.format(name.replace('"', '""'))

    def _wait(self, seconds: float) -> None:
        self.ask(f"PRAGMA busy_timeout = {int(seconds * 1000)}")


def _readonly(path: Path) -> str:
    """A URI that writes nothing: no new database, and no -wal or -shm where there is none."""
    if not path.exists():
        return "file::memory:"
    # A journal is of a writer at work or of a dead one: half of what it wrote may be in the file.
    in_use = any(Path(f"{path}{end}").exists() for end in ("-wal", "-journal"))
    return f"file:{quote(str(path))}?mode=ro" + ("" if in_use else "&immutable=1")


def _create(path: Path) -> None:
    """Make an empty file that only its owner reads, and make its name last."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        folder = os.open(path.parent, os.O_RDONLY)
    except OSError as error:
        raise Unreachable(f"{path}: {error.strerror}") from None
    os.fsync(folder)
    os.close(folder)


def _locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _text(value: Any) -> Any:
    return value.replace(tzinfo=UTC).isoformat() if isinstance(value, datetime) else value
