"""What yoyo lacks: one transaction per migration, checksums, and a plan that refuses.

Stock yoyo commits the DDL and its mark apart, hashes only the name of a file, and leaves its
lock behind when it is killed.
"""

import os
import socket
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

from yoyo.backends.base import DatabaseBackend
from yoyo.connections import DatabaseURI
from yoyo.exceptions import BadMigration
from yoyo.migrations import Migration, default_migration_table

from apps.migrate.lines import Line
from apps.queries import load
from schemas.errors import Diverged, HouseError, Refused

SQL = load(Path(__file__).with_name("queries.sql"))


@dataclass(frozen=True, slots=True)
class Plan:
    """What the files of a line and its ledger say about each other."""

    applied: dict[str, datetime]
    pending: tuple[str, ...]
    edited: tuple[str, ...]
    """Applied, but the file or its rollback is not what was applied."""
    missing: tuple[str, ...]
    """Applied, but there is no such file."""
    out_of_order: tuple[str, ...]
    """Pending, though a later one is applied."""
    due: tuple[str, ...]
    """Post-applies that have not run since the last migration, or were edited."""
    gone: tuple[str, ...]
    """Post-applies that ran, and are no longer part of the line."""

    @property
    def settled(self) -> bool:
        """Files and ledger agree, and nothing is left to do."""
        unsettled = (
            self.pending,
            self.edited,
            self.missing,
            self.out_of_order,
            self.due,
            self.gone,
        )
        return not any(unsettled)

    def check(self, line: Line) -> None:
        """Refuse when the ledger holds what the files do not say."""
        for ids, what, hint in (
            (self.edited, "was edited after it was applied", "restore it; change in a new one"),
            (self.missing, "was applied, but its file is gone", "is this checkout older?"),
            (self.out_of_order, "comes before one already applied", "give it the next number"),
        ):
            if ids:
                raise Diverged("\n".join(f"{line.name}/{i}: {what}" for i in ids), hint=hint)


class Atomic(DatabaseBackend):  # type: ignore[misc]  # yoyo has no types
    """A yoyo backend whose every step is one commit on one connection."""

    create_lock_table_sql = DatabaseBackend.create_lock_table_sql.replace(
        "CREATE TABLE", "CREATE TABLE IF NOT EXISTS"
    )

    def __init__(self, line: Line, database: str, *, readonly: bool = False) -> None:
        self.line = line
        self.readonly = readonly
        self.at = "ledger"
        uri = DatabaseURI(line.engine, None, None, None, None, database, {})
        super().__init__(uri, default_migration_table)
        ids = (*line.migrations(), *line.post_applies())
        self.files = {i: Migration(i, str(line.folder / f"{i}.sql"), str(line.folder)) for i in ids}

    def explain(self, error: Exception) -> HouseError:
        """The engine's complaint in our words."""
        raise NotImplementedError

    def alone(self, seconds: float) -> AbstractContextManager[None]:
        """The engine's own lock, which dies with this process."""
        raise NotImplementedError

    def outside_ledger(self) -> AbstractContextManager[None]:
        """Where a migration's unqualified names resolve as they would without us."""
        return nullcontext()

    @contextmanager
    def lock(self, timeout: float = 10) -> Iterator[None]:
        """Hold the line for ourselves; what a dead process left in yoyo's lock is swept away."""
        if self._is_locked:
            yield
            return
        with self.alone(timeout):
            self.create_lock_table()
            self.break_lock()
            with super().lock(timeout):
                self.ensure_internal_schema_updated()
                with self.transaction():
                    self.execute(SQL["create_checksums"])
                yield

    def plan(self) -> Plan:
        """Compare files and ledger. Reads only; valid as long as the lock is held."""
        applied = self._rows("applied", default_migration_table)
        held = self._rows("checksums", "_abode_checksum")
        ids, follows = self.line.migrations(), self.line.post_applies()
        pending = tuple(i for i in ids if i not in applied)
        last = max(applied, default="")
        return Plan(
            applied={i: _in_utc(at) for i, at in applied.items()},
            pending=pending,
            edited=tuple(i for i in ids if i in applied and held.get(i) != self.line.checksum(i)),
            missing=tuple(i for i in applied if i not in ids),
            out_of_order=tuple(i for i in pending if i < last),
            due=tuple(i for i in follows if held.get(i) != self.line.checksum(i)),
            gone=tuple(i for i in held if i.startswith("post-apply.") and i not in follows),
        )

    def apply(self, migration_id: str) -> None:
        """Run it, log it, mark it and keep its checksum: all or nothing."""
        with self.transaction():
            self._run(migration_id, "apply")
            self.mark_one(self.files[migration_id], log=False)
            self.log_migration(self.files[migration_id], "apply")
            self._record(migration_id)
            self.execute(SQL["forget_post_applies"])

    def roll_back(self, migration_id: str) -> None:
        """Undo it and every trace of it but the log: all or nothing."""
        with self.transaction():
            self._run(migration_id, "rollback")
            self.unmark_one(self.files[migration_id], log=False)
            self.log_migration(self.files[migration_id], "rollback")
            self.forget(migration_id)

    def post_apply(self, name: str) -> None:
        """Run what follows every migration, and remember that it ran."""
        with self.transaction():
            self._run(name, "apply")
            self._record(name)

    def forget(self, migration_id: str) -> None:
        """Drop its checksum."""
        self.execute(SQL["forget_checksum"], {"migration_id": migration_id})

    def get_log_data(self, migration: Any = None, operation: str = "apply") -> dict[str, Any]:
        """One line of yoyo's log, without its look-ups of user names and of DNS."""
        return {
            "id": str(uuid4()),
            "migration_id": migration.id if migration else None,
            "migration_hash": migration.hash if migration else None,
            "username": f"uid {os.getuid()}",
            "hostname": socket.gethostname(),
            "created_at_utc": datetime.now(UTC).replace(tzinfo=None),
            "operation": operation,
        }

    def _run(self, migration_id: str, direction: str) -> None:
        self.at = migration_id
        # yoyo prints the rows of a SELECT; our output may be JSON.
        with redirect_stdout(StringIO()), self.outside_ledger():
            try:
                self.files[migration_id].process_steps(self, direction)
            except BadMigration as error:
                raise Refused(f"migration {migration_id}: {error}") from error
        self.at = "ledger"

    def _record(self, migration_id: str) -> None:
        row = {"migration_id": migration_id, "sha256": self.line.checksum(migration_id)}
        self.execute(SQL["record_checksum"], row)

    def _rows(self, query: str, table: str) -> dict[str, Any]:
        if table not in self.list_tables():
            return {}
        return dict(self.execute(SQL[query]).fetchall())


def _in_utc(at: datetime | str) -> datetime:
    at = datetime.fromisoformat(at) if isinstance(at, str) else at
    return at.replace(tzinfo=at.tzinfo or UTC)
