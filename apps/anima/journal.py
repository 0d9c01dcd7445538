"""A second copy of what was lately committed: each changed row as it is then, a line a transaction.

A bit that flips in the database spares the journal, and the other way round. It lies in the page
cache until the kernel writes it: kill -9 keeps it, and a power cut that loses its end has not hurt
the database. So it costs no sync, and no commit waits for it.
"""

import os
import sqlite3
import time
from functools import partial
from pathlib import Path
from typing import Any

from apps.anima import noted
from apps.anima.clock import kernel_boot
from apps.anima.failures import Failures
from apps.anima.log import say
from apps.anima.noted import Row
from apps.anima.transaction import commit, is_passing

FILE_BYTES = 2**20
KEPT_FILES = 16
"""Together two days of rows and check-ins; a backup is an hour old."""
TABLES = """
SELECT name FROM main.sqlite_schema
 WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!' AND name NOT LIKE '%yoyo%'
 ORDER BY name
"""
WATCH = """
CREATE TEMP TRIGGER journal_{event}_{table} AFTER {event} ON main.{table}
BEGIN INSERT INTO journal_changed VALUES {rows}; END
"""
COLUMNS = "SELECT name FROM pragma_table_info(?) ORDER BY pk <> 1, cid"
"""The key first."""
AGAIN_SECONDS = 60.0
"""After so long a card that would take nothing is tried again."""


class Journal:
    """The journal of the writer's connection; only its thread may call it."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._columns: dict[str, list[str]] = {}
        self._file: int | None = None
        self._version = 0
        self._before: int | None = None
        self._tried_at = 0.0
        self.failures = Failures("journal")
        # Asked before anybody opens the database: that leaves traces.
        end = noted.ending(database)
        self._end = end if end and end.is_of(database) else None

    def watch(self, db: sqlite3.Connection) -> None:
        """Note from now on which rows change.

        What was kept of another schema is forgotten, and if somebody may have written since.
        """
        for (table,) in db.execute(TABLES).fetchall():
            self._columns[table] = [name for (name,) in db.execute(COLUMNS, (table,))]
        is_known = self._end is not None and self._end.columns == self._columns
        if is_known and self._end and self._end.closed is None:
            self._keeping(lambda: self._finish(db))
        db.execute("CREATE TEMP TABLE journal_changed (name, key)")
        for table in self._columns:
            old, new = (f"('{table}', {row}.{self._columns[table][0]})" for row in ("OLD", "NEW"))
            for event, rows in (("INSERT", new), ("UPDATE", f"{old}, {new}"), ("DELETE", old)):
                db.execute(WATCH.format(event=event, table=table, rows=rows))
        self._version = _version(db)
        self._keeping(lambda: self._begin(forget=not is_known))

    def note(self, db: sqlite3.Connection) -> None:
        """Write down the rows that the open transaction changed, as they are now."""
        if (version := _version(db)) != self._version:  # somebody wrote beside us
            self._version = version
            self._keeping(lambda: self._begin(forget=True))
        lenient, db.text_factory = db.text_factory, str
        try:
            changed = db.execute("SELECT DISTINCT name, key FROM journal_changed").fetchall()
            db.execute("DELETE FROM journal_changed")
            rows = [(table, key, self._row(db, table, key)) for table, key in changed]
        except sqlite3.OperationalError as error:  # a text that is none must not become the truth
            if is_passing(error):
                raise
            self.failures.note("not read", error)
            self._keeping(lambda: self._begin(forget=True))
        else:
            if rows:
                self._keeping(lambda: self._note(noted.as_line(rows)))
        finally:
            db.text_factory = lenient

    def begin(self) -> None:
        """A transaction is to come; nothing of it was noted yet."""
        self._before = None

    def undo(self) -> None:
        """What was noted since it began was not committed."""
        self._keeping(self._cut)

    def seal(self) -> None:
        """The database is closed, and whole: if it then lies otherwise, somebody changed it."""
        try:
            self._write(noted.seal(self._database))
        except OSError as error:
            self.failures.note("not sealed", error)

    def close(self) -> None:
        """Nothing more is noted."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _row(self, db: sqlite3.Connection, table: str, key: Any) -> list[Any] | None:
        columns = self._columns[table]
        ask = f"SELECT {', '.join(columns)} FROM main.{table} WHERE {columns[0]} = ?"  # noqa: S608
        row = db.execute(ask, (key,)).fetchone()
        return row and [noted.as_told(value) for value in row]

    def _begin(self, *, forget: bool = False) -> None:
        """Go on in the newest file, if its end is known; else, or when it is full, in a new one."""
        self.close()
        self._before = None
        if forget:
            noted.forget_all(self._database)
        end, files = noted.ending(self._database), noted.kept(self._database)
        inode = self._database.stat().st_ino
        of = kernel_boot(), inode, self._columns
        is_new = end is None or (end.boot, end.inode, end.columns) != of
        if is_new or files[-1].stat().st_size >= FILE_BYTES:
            for old in files[: len(files) - KEPT_FILES + 1]:
                old.unlink()
            number = int(files[-1].suffix[1:]) + 1 if files else 1
            files = [self._database.with_name(f"{self._database.stem}.journal.{number:06}")]
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._file = os.open(files[-1], flags, 0o600)
        size, _ = noted.whole(files[-1])
        os.ftruncate(self._file, size)
        if not size:
            head = {"boot": kernel_boot(), "inode": inode, "columns": self._columns}
            self._write(noted.as_line(head))

    def _finish(self, db: sqlite3.Connection) -> None:
        """The last line's commit, if a kill came before it, or a bit flipped in it.

        SQLite takes a log that ends so for one that the power cut short. Whatever is told here was
        whole, and about to be committed: so it may be, and if it was promised, it must.
        """
        newest = noted.kept(self._database)[-1]
        size, line = noted.whole(newest)
        told = noted.read(line)
        rows = [
            Row(table, key, self._columns[table], values, is_last=True)
            for table, key, values in (told if isinstance(told, list) else ())
        ]
        if all(noted.is_so(db, row) for row in rows):
            return
        try:
            (failure,) = commit(db, [partial(noted.put_all, rows=rows)])
        except sqlite3.Error as error:
            failure = error
        if failure:
            os.truncate(newest, size - len(line))
        say("last commit finished", rows=len(rows), failure=failure)

    def _cut(self) -> None:
        if self._file is not None and self._before is not None:
            os.ftruncate(self._file, self._before)

    def _note(self, line: bytes) -> None:
        if self._file is None:
            if time.monotonic() - self._tried_at < AGAIN_SECONDS:
                return
            self._begin(forget=True)
        assert self._file is not None  # noqa: S101  it was begun
        if os.fstat(self._file).st_size >= FILE_BYTES:
            self._begin()
        self._before = os.fstat(self._file).st_size
        self._write(line)

    def _write(self, line: bytes) -> None:
        if self._file is not None and os.write(self._file, line) != len(line):
            raise OSError("a line was cut short")

    def _keeping(self, work: Any) -> None:
        """A journal with a gap would bring old rows back: then it begins anew, or is none."""
        try:
            work()
        except OSError as error:
            self.failures.note("not written", error)
            self.close()
            try:
                self._begin(forget=True)
            except OSError as again:
                self.failures.note("not begun", again)
                self._tried_at = time.monotonic()
                self.close()


def _version(db: sqlite3.Connection) -> int:
    (version,) = db.execute("PRAGMA data_version").fetchone()
    return int(version)
