"""Lines that live in an SQLite file."""

import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from yoyo.backends.core.sqlite3 import SQLiteBackend

from apps.migrate.atomic import Atomic
from schemas.errors import HouseError, Refused, Unreachable


class SQLite(Atomic, SQLiteBackend):  # type: ignore[misc]  # yoyo has no types
    """An SQLite file with a ledger."""

    def connect(self, dburi: Any) -> sqlite3.Connection:
        """Open the file; when only asked to look, leave no trace beside it."""
        path = Path(dburi.database)
        uri = f"file:{quote(str(path))}?mode=rw"
        if self.readonly:
            uri = _readonly(path)
        else:
            _create(path)
        try:
            return sqlite3.connect(uri, uri=True, timeout=10, isolation_level=None)
        except sqlite3.OperationalError as error:
            raise Unreachable(f"{path}: {error}") from None

    def begin(self) -> None:
        """Take the write lock at once: a lock taken later can fail without waiting."""
        self.execute("BEGIN IMMEDIATE")
        self._in_transaction = True

    def execute(self, sql: str, params: Mapping[str, Any] | None = None) -> Any:
        """Execute, with yoyo's naive instants written as ISO-8601 in UTC."""
        return super().execute(sql, params and {k: _text(v) for k, v in params.items()})

    @contextmanager
    def alone(self, seconds: float) -> Iterator[None]:
        """Hold a lock on the file beside the database: the kernel drops it with us."""
        path = f"{self.uri.database}.migrate.lock"
        with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+") as file:
            end = time.monotonic() + seconds
            while not _locked(file.fileno()):
                if time.monotonic() > end:
                    raise Refused(
                        f"{self.line.name}: migrations are running: pid {file.read().strip()}",
                        hint=f"waited {seconds:g} s; let it finish, then run again",
                    )
                time.sleep(0.05)
            file.truncate(0)
            file.write(f"{os.getpid()}\n")
            file.flush()
            if self.connection.execute("PRAGMA journal_mode=WAL").fetchone() != ("wal",):
                raise Refused(f"{self.uri.database}: cannot keep a write-ahead log here")
            yield

    def explain(self, error: Exception) -> HouseError:
        """What SQLite said of which migration."""
        if getattr(error, "sqlite_errorname", "") in {"SQLITE_BUSY", "SQLITE_LOCKED"}:
            return Unreachable(
                f"{self.uri.database}: {error}", hint="something holds it; run again"
            )
        return Refused(f"migration {self.at}: {error}")


def _readonly(path: Path) -> str:
    """A URI that writes nothing: no new database, and no -wal or -shm where there is none."""
    if not path.exists():
        return "file::memory:"
    in_use = Path(f"{path}-wal").exists()
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
