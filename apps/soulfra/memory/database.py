"""The SQLite file of one agent: migrated, its key proven, its size bounded, its values sealed."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from apps.migrate import runner
from apps.migrate.lines import line
from apps.queries import load
from apps.soulfra.memory.seal import Seal
from apps.sqlite import as_text, connect
from schemas.errors import Diverged, Refused
from schemas.soulfra.memory import MEMORY_DB

SQL: Final = load(Path(__file__).with_name("queries.sql"))
LINE: Final = line("soulfra_memory")
WORD: Final = b"remember"


class Database:
    """Whoever calls sees to it that no two do at once."""

    def __init__(self, folder: Path, agent_id: str, user_key: bytes, limit_bytes: int) -> None:
        self.folder, self.agent_id, self.limit_bytes = folder, agent_id, limit_bytes
        self.path = folder / MEMORY_DB
        self.seal = Seal(user_key, agent_id)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        runner.apply(LINE, str(self.path))
        self._db = connect(self.path.absolute(), any_thread=True)
        try:
            self.path.chmod(0o600)
            self._prove()
            (page,) = self._db.execute("PRAGMA page_size").fetchone()
            self._db.execute(f"PRAGMA max_page_count = {limit_bytes // page}")
        except BaseException:
            self._db.close()
            raise

    def close(self) -> None:
        """Give the file back."""
        self._db.close()

    def all(self, query: str, values: Mapping[str, Any]) -> list[sqlite3.Row]:
        """Every row of a named query."""
        return self._db.execute(SQL[query], values).fetchall()

    def one(self, query: str, values: Mapping[str, Any] | None = None) -> Any:
        """Its first row, or None."""
        return self._db.execute(SQL[query], values or {}).fetchone()

    def run(self, query: str, values: Mapping[str, Any]) -> int:
        """Within ``writing``; gives the number of a row that was added."""
        return int(self._db.execute(SQL[query], values).lastrowid or 0)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """One durable transaction, or nothing."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException as error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            code = getattr(error, "sqlite_errorcode", None)
            if code == sqlite3.SQLITE_FULL:
                raise Refused(
                    f"agent {self.agent_id!r}: its memory is full: {self.limit_bytes} bytes",
                    "forget something, or let it keep more",
                ) from None
            raise

    def size(self) -> int:
        """Bytes of the file that are in use."""
        (pages,) = self._db.execute("PRAGMA page_count").fetchone()
        (free,) = self._db.execute("PRAGMA freelist_count").fetchone()
        (page,) = self._db.execute("PRAGMA page_size").fetchone()
        return int((pages - free) * page)

    def shrink(self) -> None:
        """Write the file anew, without what is not used."""
        self._db.execute("VACUUM")
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def sealed(
        self, table: str, columns: tuple[str, ...], said: Mapping[str, Any], at: str
    ) -> dict[str, bytes | None]:
        """Values for their columns in the row of that time; null stays null."""
        return {
            name: None
            if said[name] is None
            else self.seal.shut(f"{table}.{name}|{at}", said[name].encode())
            for name in columns
        }

    def plain(
        self, table: str, columns: tuple[str, ...], row: sqlite3.Row
    ) -> dict[str, str | None]:
        """What the columns of a row say."""
        return {
            name: None
            if row[name] is None
            else self.seal.open(f"{table}.{name}|{row['timestamp']}", row[name]).decode()
            for name in columns
        }

    def _prove(self) -> None:
        """The key opens the word that was sealed when the file was made."""
        row = self.one("keeper")
        if row is None:
            word = self.seal.shut("keeper", WORD)
            made = {"agent_id": self.agent_id, "word": word, "made_at": as_text(datetime.now(UTC))}
            with self.writing():
                self.run("keep", made)
            return
        if row["agent_id"] != self.agent_id:
            raise Diverged(f"{self.path}: is the memory of {row['agent_id']!r}")
        try:
            self.seal.open("keeper", row["word"])
        except Diverged:
            raise Refused(
                f"agent {self.agent_id!r}: the key does not open its memory",
                "it is opened with its owner's key",
            ) from None
