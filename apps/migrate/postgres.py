"""Lines that live in Postgres. The only file of this room that knows psycopg.

The ledger has its own schema, ``ledger``, made by whoever applies. Migrations run with the
database's own search_path.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import psycopg
from psycopg import conninfo, errors
from psycopg.pq import TransactionStatus

from apps.migrate.errors import Locked, Loss
from apps.migrate.ledger import SQL, Failed, Ledger, Patience, Say
from apps.migrate.lines import Line
from schemas.errors import Diverged, HouseError, Refused, Unreachable

ADVISORY_KEY: Final = 0x61626F6465
"""'abode': one key for every migration of a database."""
CONNECT_SECONDS: Final = 10
_NAME = re.compile(r"(?<!:):([a-z][a-z0-9_]*)")
_CLEAN: Final = "RESET ALL; SET search_path TO ledger"
"""Undo what a migration may have SET, and look at the ledger."""
_BUSY = (errors.LockNotAvailable, errors.DeadlockDetected, errors.SerializationFailure)


class Ending(NamedTuple):
    """A migration whose COMMIT is not sent yet."""

    of: str
    unsent: int
    """How many of the unsent texts are its own."""


class Postgres(Ledger):
    """A Postgres database with a ledger."""

    engine = "postgres"
    error = psycopg.Error
    marks = ("postgres_mark",)

    def __init__(
        self, line: Line, database: str, patience: Patience, *, readonly: bool = False
    ) -> None:
        super().__init__(line, patience, readonly=readonly)
        self.database = database
        self.partitioned: set[str] = set()
        self.unsent: list[str] = []
        self.ending: Ending | None = None
        self.connection = _open(
            line.name,
            database,
            lock_timeout=int(patience.lock * 1000),
            statement_timeout=int(patience.statement * 1000),
            default_transaction_read_only="on" if readonly else "off",
        )
        self.tell(_CLEAN)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the advisory lock on the connection that does the work: the server drops both."""
        wait = max(1, int(self.patience.runner * 1000))
        key = {"key": ADVISORY_KEY}
        try:
            self.tell(f"SET lock_timeout = {wait}; SET statement_timeout = 0")
            self.tell(SQL["advisory_lock"], key)
            self.ask("RESET lock_timeout; RESET statement_timeout")
        except errors.LockNotAvailable:
            found = self.ask(SQL["advisory_lock_holder"], key).fetchone()
            pid, name = found or ("unknown", "just gone")
            raise Locked(
                f"{self.line.name}: migrations are running: pid {pid}, application {name!r}",
                hint=f"waited {self.patience.runner:g} s; let it finish, then run again",
            ) from None
        try:
            yield
        finally:
            with suppress(psycopg.Error):
                self.ask(SQL["advisory_unlock"], key)

    @contextmanager
    def transaction(self, *, keep: bool = True, of: str | None = None) -> Iterator[None]:
        """One transaction; afterwards no setting of a migration is left."""
        # What is only counted is counted at one moment, whoever writes meanwhile.
        self.tell("BEGIN" if keep else "BEGIN ISOLATION LEVEL REPEATABLE READ")
        try:
            yield
            self.tell(f"{'COMMIT' if keep else 'ROLLBACK'}; {_CLEAN}")
            if of is None:
                self._send()
            else:
                self.ending = Ending(of, len(self.unsent))
        except BaseException as error:
            del self.unsent[self.ending.unsent if self.ending else 0 :]
            committed = False
            with suppress(psycopg.Error):
                self.ask("ROLLBACK")
                # Set within the transaction: it lasts only if that was committed. AGE 1.5 may
                # complain of its caches once a COMMIT is done.
                committed = _is_true(self.ask(SQL["was_committed"]))
                self.ask(_CLEAN)
            if not committed or not isinstance(error, psycopg.Error):
                raise

    def ask(self, sql: str, values: Mapping[str, Any] | None = None) -> Any:
        """Send one of our queries, with all that was not sent yet, in one message."""
        self.tell(sql, values)
        return self._send()

    def tell(self, sql: str, values: Mapping[str, Any] | None = None) -> None:
        """Keep it until something must be answered: the server is far away."""
        text = sql if values is None else self._filled(sql, values)
        self.unsent.append(text.rstrip("; \n"))

    def _filled(self, sql: str, values: Mapping[str, Any]) -> str:
        """Several statements in one message cannot have parameters."""
        cursor = psycopg.ClientCursor(self.connection)
        return cursor.mogrify(_NAME.sub(r"%(\1)s", sql.replace("%", "%%")), values)

    def run(self, text: str, promises: Sequence[str] = ()) -> str | None:
        """Send the whole file in one message; names resolve by the database's search_path."""
        self.tell(SQL["note_transaction"])
        # Giving the lock back waits for the disk, and takes with it what did not.
        self.tell("SET LOCAL synchronous_commit TO off; SET LOCAL search_path TO DEFAULT")
        before = len(";\n".join(self.unsent)) + 2
        # A file may end in a comment, and with a semicolon or without.
        self.unsent.append(f"{text}\n")
        for query in (SQL["is_transaction"], *promises):
            self.tell(query)
        try:
            cursor = self._send(last=1 + len(promises))
            ours = _is_true(cursor)
            kept = [bool(cursor.nextset()) and _is_true(cursor) for _ in promises]
        except psycopg.Error as error:
            place = int(error.diag.statement_position or 0) - 1 - before
            within = 0 <= place < len(text)
            raise Failed(error, text.count("\n", 0, place) + 1 if within else None) from error
        if not ours:
            raise Diverged(
                f"migration {self.at}: ended the runner's transaction; what it did stays",
                hint="look at the database by hand",
            )
        # A file that changed its role must not write our ledger with it.
        self.tell("RESET ROLE; SET LOCAL search_path TO ledger")
        return next((each for each, good in zip(promises, kept, strict=False) if not good), None)

    def _send(self, last: int = 1) -> psycopg.Cursor[Any]:
        """Send what was not sent yet; gives a cursor on the ``last`` results of it."""
        texts, ending = self.unsent, self.ending
        self.unsent, self.ending = [], None
        try:
            cursor: psycopg.Cursor[Any] = self.connection.execute(";\n".join(texts))
        except psycopg.Error as error:
            if ending is None or self._is_over(ending, error):
                raise
            # The server complained of an end that it had made: AGE 1.5 does.
            self.unsent = texts[ending.unsent :]
            return self._send(last)
        results = 1
        while cursor.nextset():
            results += 1
        cursor.set_result(max(results - max(last, 1), 0))
        return cursor

    def _is_over(self, ending: Ending, error: psycopg.Error) -> bool:
        """Whether an error came after the end of a migration rather than of it."""
        after = self.connection.info.transaction_status is TransactionStatus.INERROR
        query = self._filled(SQL["is_marked"], {"migration_id": ending.of})
        self.connection.execute(f"ROLLBACK; {_CLEAN}")
        if not _is_true(self.connection.execute(query)):
            self.at = ending.of
            raise Failed(error, is_late=True) from error
        return after

    def explain(self, failed: Failed) -> HouseError:
        """Who does not answer, or what the server said of which migration."""
        error = failed.error
        if self.connection.closed or not isinstance(error, psycopg.Error):
            return Unreachable(f"{_where(self.database)}: the connection was lost")
        at = self.at if failed.line is None else f"{self.at} line {failed.line}"
        said = error.diag.message_primary or str(error).partition("\n")[0]
        if isinstance(error, errors.LockNotAvailable):
            said = f"no lock within {self.patience.lock:g} s"
            return Locked(f"migration {at}: {said}", hint="something holds it; run again")
        return Refused(f"migration {at}: {said}", hint=error.diag.message_hint)

    def busy(self, error: Exception) -> bool:
        """A lock that was not to be had, or a transaction that had to give way."""
        return isinstance(error, _BUSY)

    def columns(self) -> dict[str, set[str]]:
        """Read from the catalog, so that missing rights do not look like missing tables."""
        found: dict[str, set[str]] = {}
        for table, column in self.ask(SQL["postgres_ledger"]).fetchall():
            found.setdefault(table, set()).add(column)
        return found

    def prepare(self) -> None:
        """In a schema of its own."""
        if self.ask("SELECT to_regnamespace('ledger') IS NULL").fetchone()[0]:
            self.ask("CREATE SCHEMA ledger")
        super().prepare()

    def is_abandoned(self, pid: int) -> bool:  # noqa: ARG002  # it may be of any host
        """No session is left that could be it, whoever's."""
        return bool(self.ask(SQL["others"]).fetchone()[0] == 0)

    def keep(
        self, undo: Sequence[str], losses: Sequence[Loss], folder: Path | None, say: Say
    ) -> tuple[Path, ...]:
        """Archive each table that loses something; they are held."""
        if folder is None:
            return ()
        from apps.archive import archive  # noqa: PLC0415  # only a rollback needs it

        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise Refused(f"{folder}: {error.strerror}", hint="--keep FOLDER") from None
        tables = sorted({loss.table for loss in losses})
        for table in tables:
            say(f"keeping {table}")
            name = f"{table}.before-rollback-{undo[-1][:4]}.{stamp}"
            archive(self.connection, table, folder, name, migration=undo[-1])
        return tuple(sorted(folder.glob(f"*.before-rollback-{undo[-1][:4]}.{stamp}*")))

    def tables(self) -> dict[str, list[str]]:
        """Over all schemas but the ledger and the server's own."""
        found = self.ask(SQL["postgres_tables"]).fetchall()
        self.partitioned = {name for name, _, partitioned in found if partitioned}
        return {name: columns for name, columns, _ in found}

    def touched(self) -> set[str]:
        """By its locks: nothing changes without one."""
        return {name for (name,) in self.ask(SQL["postgres_touched"]).fetchall()}

    def hold(self, tables: Iterable[str]) -> None:
        """Nobody reads them either."""
        for table in sorted(tables):
            self.ask(f"LOCK TABLE {self.quoted(table)} IN ACCESS EXCLUSIVE MODE")

    def content_of(self, table: str, columns: Sequence[str]) -> tuple[int, int]:
        """By the server's own hash of what a row looks like."""
        names = ", ".join('"{}"'.format(column.replace('"', '""')) for column in columns)
        query = SQL["postgres_content"].format(names=names, table=self.quoted(table))
        rows, whole = self.ask(query).fetchone()
        return int(rows), int(whole)

    def quoted(self, name: str) -> str:
        """Schema and name apart; without the rows of tables that inherit, such as AGE's labels."""
        parts = ('"{}"'.format(part.replace('"', '""')) for part in name.split(".", 1))
        return "ONLY " * (name not in self.partitioned) + ".".join(parts)

    def release(self, pid: int) -> None:
        """The server may be gone by now."""
        if not self.connection.closed:
            super().release(pid)


def _is_true(cursor: psycopg.Cursor[Any]) -> bool:
    """Whether a result is one row with one true value."""
    if cursor.description is None:
        return False
    rows = cursor.fetchmany(2)
    return len(rows) == 1 and len(rows[0]) == 1 and rows[0][0] is True


def _open(line: str, database: str, **more: object) -> psycopg.Connection[Any]:
    settings = {
        "timezone": "UTC",
        "client_connection_check_interval": 2_000,
        "idle_session_timeout": 0,
        **more,
    }
    given = conninfo.conninfo_to_dict(database)
    options = [str(given.get("options", "")), *(f"-c {k}={v}" for k, v in settings.items())]
    whole = conninfo.make_conninfo(
        database,
        connect_timeout=given.get("connect_timeout", CONNECT_SECONDS),
        application_name=f"abode migrate {line}",
        options=" ".join(options).strip(),
    )
    try:
        return psycopg.connect(whole, autocommit=True, cursor_factory=psycopg.ClientCursor)
    except psycopg.OperationalError as error:
        said = str(error).strip().rpartition("failed: ")[2].partition("\n")[0]
        down = "refused" in said or "No such file" in said
        raise Unreachable(
            f"{_where(database)}: {said}", "is Postgres up?" if down else None
        ) from None


def database_url(url: str) -> str:
    """A conninfo that libpq takes, from a URL with or without a driver in its scheme."""
    plain = url.replace("postgresql+psycopg://", "postgresql://", 1)
    try:
        given = conninfo.conninfo_to_dict(plain)
        urlsplit(plain)
    except (psycopg.ProgrammingError, ValueError):
        # libpq repeats the text, and with it a password.
        raise Refused(
            "the database is not a Postgres URL", hint="postgresql://…; write [ as %5B in passwords"
        ) from None
    if any("@" in str(given.get(key, "")) for key in ("host", "port", "dbname")):
        raise Refused(
            "the database URL has an '@' too many", hint="write @ as %40 and / as %2F in passwords"
        )
    return plain


def _where(database: str) -> str:
    given = conninfo.conninfo_to_dict(database)
    host, port = given.get("host", "the local socket"), given.get("port", "")
    return f"database {given.get('dbname')!r} at {host}" + (f":{port}" if port else "")
