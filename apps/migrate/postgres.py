"""Lines that live in Postgres. The only file of this room that knows psycopg.

The ledger has its own schema, ``ledger``, made by whoever applies. Migrations run with the
database's own search_path.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from psycopg import conninfo, errors
from yoyo.backends.core.postgresql import PostgresqlPsycopgBackend

from apps.migrate.atomic import SQL, Atomic
from schemas.errors import HouseError, Refused, Unreachable

ADVISORY_KEY: Final = 0x61626F6465
"""'abode': one key for every migration of a database."""
CONNECT_SECONDS: Final = 10
LOCK_TIMEOUT_MS: Final = 5_000
"""How long a migration may queue for a table; behind it every reader would queue too."""


class Postgres(Atomic, PostgresqlPsycopgBackend):  # type: ignore[misc]  # yoyo has no types
    """A Postgres database with a ledger."""

    def connect(self, dburi: Any) -> psycopg.Connection[Any]:
        """Open the connection that every statement of a migration goes through."""
        readonly = "on" if self.readonly else "off"
        return self._open(dburi.database, LOCK_TIMEOUT_MS, default_transaction_read_only=readonly)

    def init_connection(self, connection: Any) -> None:
        """Undo what a migration may have SET, and look at the ledger."""
        connection.execute("RESET ALL")
        connection.execute("SET search_path TO ledger")

    def commit(self) -> None:
        """End the transaction, and with it any session setting that a migration made."""
        super().commit()
        self.init_connection(self.connection)

    def create_lock_table(self) -> None:
        """Make the ledger's schema and yoyo's lock table where they are missing."""
        row = self.execute(SQL["ledger_exists"]).fetchone()
        with self.transaction():
            if not row[0]:
                self.execute("CREATE SCHEMA ledger")
            self.execute(self.format_sql(self.create_lock_table_sql))

    @contextmanager
    def outside_ledger(self) -> Iterator[None]:
        """Unqualified names resolve by the database's own search_path."""
        self.execute("SET LOCAL search_path TO DEFAULT")
        yield
        self.execute("SET LOCAL search_path TO ledger")

    @contextmanager
    def alone(self, seconds: float) -> Iterator[None]:
        """Hold the advisory lock on a connection of its own: the server drops it with us."""
        timeout = max(1, int(seconds * 1000))
        with self._open(self.uri.database, timeout, idle_session_timeout=0) as guard:
            try:
                guard.execute(SQL["advisory_lock"], {"key": ADVISORY_KEY})
            except errors.LockNotAvailable:
                holder = guard.execute(SQL["advisory_lock_holder"], {"key": ADVISORY_KEY})
                pid, name = holder.fetchone() or ("unknown", "just gone")
                raise Refused(
                    f"{self.line.name}: migrations are running: pid {pid}, application {name!r}",
                    hint=f"waited {seconds:g} s; let it finish, then run again",
                ) from None
            yield

    def explain(self, error: Exception) -> HouseError:
        """Who does not answer, or what the server said of which migration."""
        if self.connection.closed or not isinstance(error, psycopg.Error):
            return Unreachable(f"{_where(self.uri.database)}: the connection was lost")
        said = error.diag.message_primary or str(error).partition("\n")[0]
        if isinstance(error, errors.LockNotAvailable):
            said = f"no lock within {LOCK_TIMEOUT_MS / 1000:g} s"
            return Refused(f"migration {self.at}: {said}", hint="something holds it; run again")
        return Refused(f"migration {self.at}: {said}", hint=error.diag.message_hint)

    def _open(self, database: str, lock_timeout_ms: int, **more: object) -> psycopg.Connection[Any]:
        settings = {
            "timezone": "UTC",
            "lock_timeout": lock_timeout_ms,
            "client_connection_check_interval": 2_000,
            **more,
        }
        given = conninfo.conninfo_to_dict(database)
        options = [str(given.get("options", "")), *(f"-c {k}={v}" for k, v in settings.items())]
        whole = conninfo.make_conninfo(
            database,
            connect_timeout=given.get("connect_timeout", CONNECT_SECONDS),
            application_name=f"abode migrate {self.line.name}",
            options=" ".join(options).strip(),
        )
        try:
            return psycopg.connect(whole, autocommit=True)
        except psycopg.OperationalError as error:
            said = str(error).strip().rpartition("failed: ")[2].partition("\n")[0]
            down = "refused" in said or "No such file" in said
            hint = "is Postgres up?" if down else None
            raise Unreachable(f"{_where(database)}: {said}", hint) from None


def database_url(url: str) -> str:
    """A conninfo that libpq takes, from a URL with or without a driver in its scheme."""
    plain = url.replace("postgresql+psycopg://", "postgresql://", 1)
    try:
        given = conninfo.conninfo_to_dict(plain)
    except psycopg.ProgrammingError:
        # libpq repeats the text, and with it a password.
        raise Refused("the database is not a Postgres URL", hint="postgresql://…") from None
    if any("@" in str(given.get(key, "")) for key in ("host", "port", "dbname")):
        raise Refused(
            "the database URL has an '@' too many", hint="write @ as %40 and / as %2F in passwords"
        )
    return plain


def _where(database: str) -> str:
    given = conninfo.conninfo_to_dict(database)
    host, port = given.get("host", "the local socket"), given.get("port", "")
    return f"database {given.get('dbname')!r} at {host}" + (f":{port}" if port else "")
