"""A line in a database: yoyo's ledger and our part of it, each step one transaction.

Stock yoyo commits the DDL and its mark apart, hashes only the name of a file, and leaves its lock
behind when it is killed. The files and the tables are yoyo's, so that plain yoyo can go on where
we stopped; it is imported only to complete what an older one began.
"""

import hashlib
import os
import socket
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from apps.migrate.errors import Locked, Loss
from apps.migrate.lines import Line
from apps.migrate.plan import Held, Plan, compare, packed
from apps.queries import load
from schemas.errors import HouseError, Refused

SQL = load(Path(__file__).with_name("queries.sql"))
Say = Callable[[str], None]
"""Told what is being done, one line at a time."""
YOYO: Final = {"_yoyo_log", "_yoyo_migration", "_yoyo_version", "yoyo_lock"}


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, and how often to try. Seconds."""

    runner: float = 10
    """For another runner of the same line."""
    lock: float = 5
    """For a table in use: behind a waiting ALTER TABLE every reader would queue."""
    statement: float = 1800
    """For one statement."""
    tries: int = 5


class Failed(Exception):
    """A statement failed: where in the file, if that is known.

    Late is one of a transaction that was thought to be over: to try what came next is no help.
    """

    def __init__(self, error: Exception, line: int | None = None, *, is_late: bool = False) -> None:
        self.error, self.line, self.is_late = error, line, is_late
        super().__init__(str(error))


class Ledger(ABC):
    """One line in one database, over one connection."""

    engine: str
    error: type[Exception]
    marks: tuple[str, ...] = ("mark", "log", "record", "forget_post_applies")
    """Queries that each write a part of what is known of an applied migration."""

    def __init__(self, line: Line, patience: Patience, *, readonly: bool = False) -> None:
        self.line, self.patience, self.readonly = line, patience, readonly
        self.at = "ledger"
        self.connection: Any = None

    @abstractmethod
    def alone(self) -> AbstractContextManager[None]:
        """The engine's own lock, which dies with this process."""

    @abstractmethod
    def transaction(
        self, *, keep: bool = True, of: str | None = None
    ) -> AbstractContextManager[None]:
        """Everything within, or nothing; nothing at all when it is not to be kept.

        ``of`` is a migration that marks itself: an engine may end its transaction with the next
        message. It is over when the lock is given back.
        """

    @abstractmethod
    def ask(self, sql: str, values: Mapping[str, Any] | None = None) -> Any:
        """A cursor on one of our own queries."""

    def tell(self, sql: str, values: Mapping[str, Any] | None = None) -> None:
        """The same without an answer: an engine may send it with what comes next."""
        self.ask(sql, values)

    @abstractmethod
    def run(self, text: str, promises: Sequence[str] = ()) -> str | None:
        """A migration's statements, then its promises; gives the first that is broken.

        A promise is a query for one row with one true value. Raises Failed.
        """

    @abstractmethod
    def explain(self, failed: Failed) -> HouseError:
        """The engine's complaint in our words."""

    @abstractmethod
    def busy(self, error: Exception) -> bool:
        """Whether trying again may help."""

    @abstractmethod
    def columns(self) -> dict[str, set[str]]:
        """Tables of the ledger with their columns."""

    @abstractmethod
    def is_abandoned(self, pid: int) -> bool:
        """Whether the plain yoyo that took yoyo's lock is surely dead."""

    @abstractmethod
    def tables(self) -> dict[str, list[str]]:
        """Tables that hold somebody's rows, with their columns."""

    @abstractmethod
    def touched(self) -> set[str]:
        """Tables that this transaction changed or may have."""

    @abstractmethod
    def hold(self, tables: Iterable[str]) -> None:
        """Let nobody else write to them until the transaction ends."""

    @abstractmethod
    def content_of(self, table: str, columns: Sequence[str]) -> tuple[int, int]:
        """How many rows, and a hash of them all in whatever order."""

    @abstractmethod
    def quoted(self, name: str) -> str:
        """A table or column as SQL writes it."""

    @abstractmethod
    def keep(
        self, undo: Sequence[str], losses: Sequence[Loss], folder: Path | None, say: Say
    ) -> tuple[Path, ...]:
        """Keep what is about to be destroyed, within the transaction that destroys it."""

    def plan(self) -> Plan:
        """Compare files and ledger. Reads only; valid as long as the lock is held."""
        there = self.columns()
        applied: dict[str, Any] = {}
        held: dict[str, Held] = {}
        if "_yoyo_migration" in there:
            applied = dict(self.ask(SQL["applied"]).fetchall())
        if columns := there.get("_abode_checksum"):
            query = SQL["checksums" if "content" in columns else "first_checksums"]
            held = {i: Held(sha256, at) for i, sha256, at in self.ask(query).fetchall()}
        return compare(self.line, applied, held)

    def check(self, plan: Plan) -> None:
        """Refuse when the ledger holds what the files do not say."""
        plan.check(self.line, self.content)

    def content(self, migration_id: str) -> bytes | None:
        """What was applied, compressed; nothing if the ledger is older than that."""
        if "content" not in self.columns().get("_abode_checksum", ()):
            return None
        row = self.ask(SQL["content"], {"migration_id": migration_id}).fetchone()
        return None if row is None or row[0] is None else bytes(row[0])

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the line for ourselves, with a ledger to write in; plain yoyo waits as well."""
        with self.alone():
            self.prepare()
            pid = -os.getpid()
            self._hold_yoyo(pid)
            try:
                yield
            finally:
                self.release(pid)

    def is_held(self) -> bool:
        """Whether there is a row in yoyo's lock."""
        return "yoyo_lock" in self.columns() and bool(self.ask(SQL["yoyo_holder"]).fetchone())

    def release(self, pid: int) -> None:
        """Let plain yoyo in again."""
        self.ask(SQL["sweep_yoyo"], {"pid": pid})

    def prepare(self) -> None:
        """Make whatever the ledger lacks."""
        there = self.columns()
        if not there.keys() & YOYO:
            with self.transaction():
                self.tell(SQL["create_yoyo"])
                self.tell(SQL["note_version"], {"at": _now()})
        elif not there.keys() >= YOYO:
            self._upgrade_yoyo()
        if "content" in there.get("_abode_checksum", ()):
            return
        with self.transaction():
            self.tell(SQL["create_checksums"])
            if "_abode_checksum" in there:
                self.tell(SQL["add_applied_at"])
                self.tell(SQL["add_content"])

    def _upgrade_yoyo(self) -> None:
        """A ledger that an older yoyo began is completed by yoyo, through our connection."""
        from yoyo import internalmigrations  # noqa: PLC0415  # slow to import, rarely needed
        from yoyo.backends.core.postgresql import PostgresqlPsycopgBackend  # noqa: PLC0415
        from yoyo.backends.core.sqlite3 import SQLiteBackend  # noqa: PLC0415
        from yoyo.connections import DatabaseURI  # noqa: PLC0415

        base = PostgresqlPsycopgBackend if self.engine == "postgres" else SQLiteBackend
        ours = {"connect": lambda *_: self.connection}
        uri = DatabaseURI(self.engine, None, None, None, None, None, {})
        yoyo = type("Borrowed", (base,), ours)(uri, "_yoyo_migration")
        if "yoyo_lock" not in yoyo.list_tables():
            yoyo.create_lock_table()
        if internalmigrations.needs_upgrading(yoyo):
            internalmigrations.upgrade(yoyo)

    def apply(self, migration_id: str) -> None:
        """Run it, see that it worked, log it, mark it, keep what it held: all or nothing."""
        with self.transaction(of=migration_id):
            self.step(migration_id)

    def step(self, migration_id: str) -> None:
        """The same within a transaction of the caller's."""
        self.at = migration_id
        text = self.line.sql(migration_id)
        if broken := self.run(text, self.line.ensures(migration_id)):
            raise Refused(
                f"migration {migration_id}: did not do what it promises: {broken}",
                hint="nothing of it stays; correct the file and apply again",
            )
        self._mark(migration_id, "apply")
        self.at = "ledger"

    def baseline(self, migration_id: str) -> None:
        """Mark what was there before us as applied, within a transaction of the caller's."""
        self._mark(migration_id, "adopt")

    def evolved(self, migration_id: str) -> None:
        """Mark what was done in steps as applied, within a transaction of the caller's."""
        self._mark(migration_id, "evolve")

    def roll_back(self, migration_id: str) -> None:
        """Undo it and every trace of it but the log, within a transaction."""
        self.at = migration_id
        self.run(self.line.sql(migration_id, back=True))
        self.devolved(migration_id)

    def devolved(self, migration_id: str) -> None:
        """Mark what was undone as not applied, within a transaction of the caller's."""
        for query in ("unmark", "forget_checksum"):
            self.tell(SQL[query], {"migration_id": migration_id})
        self.tell(SQL["log"], _entry(migration_id, "rollback"))
        self.at = "ledger"

    def post_apply(self, name: str) -> None:
        """Run what follows every migration, and remember that it ran."""
        self.at = name
        with self.transaction():
            self.run(self.line.sql(name))
            self.tell(SQL["record"], self._content(name) | {"at": _now()})

    def forget(self, name: str) -> None:
        """Drop the checksum of a post-apply that is no longer part of the line."""
        self.ask(SQL["forget_checksum"], {"migration_id": name})

    def sign(self, migration_id: str) -> None:
        """Keep what the file of an applied migration holds."""
        self.tell(SQL["sign"], self._content(migration_id))

    def _mark(self, migration_id: str, operation: str) -> None:
        row = _entry(migration_id, operation) | self._content(migration_id)
        for query in self.marks:
            self.tell(SQL[query], row)

    def _content(self, migration_id: str) -> dict[str, Any]:
        content = self.line.content(migration_id)
        sha256 = hashlib.sha256(content).hexdigest()
        return {"migration_id": migration_id, "sha256": sha256, "content": packed(content)}

    def _hold_yoyo(self, pid: int) -> None:
        end = time.monotonic() + self.patience.runner
        while True:
            row = {"pid": pid, "at": _now()}
            if self.ask(SQL["hold_yoyo"], row).rowcount == 1:
                return
            found = self.ask(SQL["yoyo_holder"]).fetchone()
            # A row of ours is stale: we hold the lock that no dead process can hold.
            if found and (found[0] < 0 or self.is_abandoned(found[0])):
                self.ask(SQL["sweep_yoyo"], {"pid": found[0]})
            elif found and time.monotonic() > end:
                raise Locked(
                    f"{self.line.name}: a plain yoyo holds its lock: pid {found[0]}",
                    hint="let it finish; if it is dead: yoyo break-lock",
                )
            elif found:
                time.sleep(0.1)


def _entry(migration_id: str, operation: str) -> dict[str, Any]:
    """A row of yoyo's log."""
    return {
        "id": str(uuid4()),
        "migration_id": migration_id,
        "migration_hash": _hash(migration_id),
        "username": f"uid {os.getuid()}",
        "hostname": socket.gethostname(),
        "at": _now(),
        "operation": operation,
    }


def _now() -> datetime:
    """As yoyo keeps it: in UTC, without saying so."""
    return datetime.now(UTC).replace(tzinfo=None)


def _hash(migration_id: str) -> str:
    """Yoyo's key of a migration."""
    return hashlib.sha256(migration_id.encode()).hexdigest()
