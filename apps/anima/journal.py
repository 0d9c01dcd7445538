"""A second copy of what was lately committed: each changed row as it is then, a line a transaction.

A bit that flips in the database spares the journal, and the other way round. It lies in the page
cache until the kernel writes it: kill -9 keeps it, and a power cut that loses its end has not hurt
the database. So it costs no sync, and no commit waits for it.
"""

import json
import os
import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zlib import crc32

from apps.anima.failures import Failures
from apps.anima.transaction import is_passing

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
BEGIN INSERT INTO journal_changed VALUES ('{table}', {row}.rowid); END
"""


class Journal:
    """The journal of the writer's connection; only its thread may call it."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._columns: dict[str, list[str]] = {}
        self._file: int | None = None
        self._version = 0
        self._before: int | None = None
        self.failures = Failures("journal")

    def watch(self, db: sqlite3.Connection) -> None:
        """Note from now on which rows change. What was kept of another schema is forgotten."""
        db.execute("CREATE TEMP TABLE journal_changed (name, id)")
        for (table,) in db.execute(TABLES).fetchall():
            ask = "SELECT name FROM pragma_table_info(?)"
            self._columns[table] = [name for (name,) in db.execute(ask, (table,))]
            for event, row in (("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD")):
                db.execute(WATCH.format(event=event, table=table, row=row))
        self._version = _version(db)
        self._keeping(lambda: self._begin(forget=_columns(self._database) != self._columns))

    def note(self, db: sqlite3.Connection) -> None:
        """Write down the rows that the open transaction changed, as they are now."""
        if (version := _version(db)) != self._version:  # somebody wrote beside us
            self._version = version
            self._keeping(lambda: self._begin(forget=True))
        changed = db.execute("SELECT DISTINCT name, id FROM journal_changed").fetchall()
        if not changed:
            return
        db.execute("DELETE FROM journal_changed")
        rows = [(table, number, self._row(db, table, number)) for table, number in changed]
        self._keeping(lambda: self._note(_line(rows)))

    def begin(self) -> None:
        """A transaction is to come; nothing of it was noted yet."""
        self._before = None

    def undo(self) -> None:
        """What was noted since it began was not committed."""
        self._keeping(self._cut)

    def close(self) -> None:
        """Nothing more is noted."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _row(self, db: sqlite3.Connection, table: str, number: int) -> list[Any] | None:
        columns = ", ".join(self._columns[table])
        ask = f"SELECT {columns} FROM main.{table} WHERE rowid = ?"  # noqa: S608  names of ours
        row = db.execute(ask, (number,)).fetchone()
        return row and [_told(value) for value in row]

    def _begin(self, *, forget: bool) -> None:
        self.close()
        if forget:
            forget_all(self._database)
        files = kept(self._database)
        for old in files[: len(files) - KEPT_FILES + 1]:
            old.unlink()
        number = int(files[-1].suffix[1:]) + 1 if files else 1
        path = self._database.with_name(f"{self._database.stem}.journal.{number:06}")
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._write(_line(self._columns))

    def _cut(self) -> None:
        if self._file is not None and self._before is not None:
            os.ftruncate(self._file, self._before)

    def _note(self, line: bytes) -> None:
        if self._file is None:
            return
        size = os.fstat(self._file).st_size
        if size + len(line) > FILE_BYTES:
            self._begin(forget=False)
            size = os.fstat(self._file).st_size
        self._before = size
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
                self.close()


def kept(database: Path) -> list[Path]:
    """The files of a database's journal, oldest first."""
    return sorted(
        file
        for file in database.parent.glob(f"{database.stem}.journal.*")
        if file.suffix[1:].isdecimal()
    )


def forget_all(database: Path) -> None:
    """Somebody wrote beside the journal: what it holds may be older than the rows."""
    for file in kept(database):
        file.unlink()


def replay(db: sqlite3.Connection, database: Path) -> tuple[Counter[str], Counter[str]]:
    """Make the rows of ``db`` as the journal has them last; rows put right, and not fit, by table.

    A line that is not as it was written is passed over: then it is the journal that is hurt.
    """
    right, unfit = Counter[str](), Counter[str]()
    for (table, number), (columns, row) in _last(database).items():
        try:
            right[table] += _put(db, table, number, columns, row)
        except sqlite3.Error as error:
            if is_passing(error):
                raise
            unfit[table] += 1
    return right, unfit


def _last(database: Path) -> dict[tuple[str, int], tuple[list[str], list[Any] | None]]:
    """Each changed row, as it was last."""
    last: dict[tuple[str, int], tuple[list[str], list[Any] | None]] = {}
    for file in kept(database):
        columns: dict[str, list[str]] = {}
        for told in _lines(file):
            if isinstance(told, dict):
                columns = told
                continue
            for table, number, row in told:
                if table in columns:
                    last.pop((table, number), None)  # the order is that of the last change
                    last[table, number] = columns[table], row
    return last


def _put(
    db: sqlite3.Connection, table: str, number: int, columns: list[str], row: list[Any] | None
) -> int:
    """Whether something had to be changed."""
    names = ", ".join(columns)
    if row is None:
        return db.execute(f"DELETE FROM main.{table} WHERE rowid = ?", (number,)).rowcount  # noqa: S608
    values = [_value(each) for each in row]
    ask = f"SELECT {names} FROM main.{table} WHERE rowid = ?"  # noqa: S608  names of our own schema
    there = db.execute(ask, (number,)).fetchone()
    if there is not None and list(there) == values:
        return 0
    marks = ", ".join("?" * (len(columns) + 1))
    put = f"INSERT OR REPLACE INTO main.{table} (rowid, {names}) VALUES ({marks})"  # noqa: S608
    db.execute(put, (number, *values))
    return 1


def _columns(database: Path) -> Any:
    """Those of the newest file; None if there is none that says so."""
    files = kept(database)
    return (
        next((told for told in _lines(files[-1]) if isinstance(told, dict)), None)
        if files
        else None
    )


def _version(db: sqlite3.Connection) -> int:
    (version,) = db.execute("PRAGMA data_version").fetchone()
    return int(version)


def _lines(file: Path) -> Iterator[Any]:
    with file.open("rb") as lines:
        for line in lines:
            body = line[9:-1]
            if line[:8] == b"%08x" % crc32(body):
                yield json.loads(body)


def _line(told: Any) -> bytes:
    body = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode(
        errors="surrogatepass"
    )
    return b"%08x %s\n" % (crc32(body), body)


def _told(value: Any) -> Any:
    return {"hex": value.hex()} if isinstance(value, bytes) else value


def _value(told: Any) -> Any:
    return bytes.fromhex(told["hex"]) if isinstance(told, dict) else told
