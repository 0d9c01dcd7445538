"""What the journal tells: each row as it was last, and whether nothing can have changed since."""

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, TypeGuard
from zlib import crc32

from apps.anima import wal
from apps.anima.clock import kernel_boot
from apps.anima.transaction import is_passing

TAIL_BYTES = 4_096
"""Read of a file's end at first: whoever starts is in a hurry."""
INDEX = "CREATE TABLE last (name, key, place, PRIMARY KEY (name, key)) WITHOUT ROWID"

Change = tuple[str, Any, list[Any] | None]
"""Table, key, and the values that the row then had; None if it was deleted."""


class Row(NamedTuple):
    """A changed row as it was last: its values by the columns, of which the first is the key."""

    table: str
    key: Any
    columns: list[str]
    values: list[Any] | None
    is_last: bool
    """Of the last line of all: nobody knows whether it was committed."""


class Ending(NamedTuple):
    """Who wrote the newest file, of what tables, and how the database lay there when it ended."""

    boot: str
    inode: int
    columns: dict[str, list[str]]
    closed: list[int] | None

    def is_of(self, database: Path) -> bool:
        """Whether nobody else wrote since.

        After a stop it lies as it was left. After a kill its log is there, which whoever opens and
        closes it removes; a power cut may have taken the journal's end.
        """
        if not database.exists() or database.stat().st_ino != self.inode:
            return False
        if self.closed is not None:
            return self.closed == lies(database)
        return self.boot == kernel_boot() and wal.beside(database).exists()


class Noted:
    """The journal of a database, read twice: for where each row is told last, then for what.

    That costs 25 bytes a row. ``is_whole`` says whether every line was as it was written; ``pause``
    is called now and then.
    """

    def __init__(self, database: Path, pause: Callable[[], object] = lambda: None) -> None:
        self._files, self._pause = kept(database), pause
        self._index = sqlite3.connect(":memory:", isolation_level=None)
        self._index.execute(INDEX)
        self.is_whole = True
        place = -1
        for place, columns, changes in self._lines():
            keys = [(table, key, place) for table, key, _ in changes or () if table in columns]
            self.is_whole = self.is_whole and changes is not None and len(keys) == len(changes)
            self._index.executemany("INSERT OR REPLACE INTO last VALUES (?, ?, ?)", keys)
        end = ending(database)
        self._end = place if end is None or end.closed is None else -1

    def rows(self) -> Iterator[Row]:
        """Each changed row, in the order of the last changes."""
        ask = "SELECT 1 FROM last WHERE name = ? AND key IS ? AND place = ?"
        for place, columns, changes in self._lines():
            for table, key, values in changes or ():
                if self._index.execute(ask, (table, key, place)).fetchone():
                    yield Row(table, key, columns[table], values, place == self._end)

    def _lines(self) -> Iterator[tuple[int, dict[str, list[str]], list[Change] | None]]:
        """Place by place the columns and what a transaction changed; None if it cannot be read."""
        for number, file in enumerate(self._files):
            columns: dict[str, list[str]] = {}
            try:
                for at, told in enumerate(lines(file)):
                    if isinstance(told, dict):
                        columns = told["columns"] if is_head(told) else columns
                    else:
                        yield number << 32 | at, columns, told
                    if at % 20 == 0:
                        self._pause()
            except OSError:
                yield number << 32 | 2**32 - 1, columns, None


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
        file.unlink(missing_ok=True)


def ending(database: Path) -> Ending | None:
    """How the journal ends; None if it tells nothing."""
    for file in kept(database)[-1:]:
        try:
            head = next(lines(file), None)
            if is_head(head):
                return Ending(head["boot"], head["inode"], head["columns"], _closed(file))
        except OSError:
            return None
    return None


def is_head(told: Any) -> TypeGuard[dict[str, Any]]:
    """Whether it is the first line of a file as this release writes it: else nothing is known."""
    return isinstance(told, dict) and {"boot", "inode", "columns"} <= told.keys()


def seal(database: Path) -> bytes:
    """The line that says how the database lies when its last writer has closed it."""
    return as_line({"closed": lies(database)})


def lies(database: Path) -> list[int]:
    """What a write changes: bytes, and when it was last written, in nanoseconds."""
    found = database.stat()
    return [found.st_size, found.st_mtime_ns]


def whole(file: Path) -> tuple[int, bytes]:
    """Bytes up to the end of the last whole line; and that line, if the file ends there."""
    with file.open("rb") as content:
        size, step = content.seek(0, 2), TAIL_BYTES
        while True:
            begin = max(size - step, 0)
            content.seek(begin)
            tail = content.read()
            end = tail.rfind(b"\n") + 1
            if begin == 0 or tail.rfind(b"\n", 0, end - 1) >= 0:
                line = tail[tail.rfind(b"\n", 0, end - 1) + 1 : end]
                return begin + end, line if end == len(tail) else b""
            step *= 4


def replay(
    db: sqlite3.Connection, database: Path, damaged: Path
) -> tuple[Counter[str], Counter[str]]:
    """Make the rows of ``db`` as the journal has them last; rows put right, and not fit, by table.

    If somebody may have written since, or a line is not as it was written, then the rows that are
    there stay, and only those come back that are not.
    """
    right, unfit = Counter[str](), Counter[str]()
    end, noted = ending(database), Noted(database)
    is_sure = noted.is_whole and end is not None and end.is_of(damaged)
    for row in noted.rows():
        try:
            right[row.table] += _put(db, row, is_sure=is_sure and not row.is_last)
        except sqlite3.Error as error:
            if is_passing(error):
                raise
            unfit[row.table] += 1
    return right, unfit


def lines(file: Path) -> Iterator[Any]:
    """What each whole line tells: None if it is not as it was written."""
    with file.open("rb") as content:
        for line in content:
            if not line.endswith(b"\n"):
                return  # killed in it: that transaction was not committed
            yield read(line)


def read(line: bytes) -> Any:
    """What a line tells: None if it is not as it was written."""
    body = line[9:-1]
    return json.loads(body) if line[:8] == b"%08x" % crc32(body) else None


def as_line(told: Any) -> bytes:
    """A line of the journal, with its checksum."""
    text = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
    body = text.encode(errors="surrogatepass")
    return b"%08x %s\n" % (crc32(body), body)


def as_told(value: Any) -> Any:
    """A value as a line has it."""
    return {"hex": value.hex()} if isinstance(value, bytes) else value


def is_so(db: sqlite3.Connection, row: Row) -> bool:
    """Whether ``db`` has the row, and just so."""
    names = ", ".join(row.columns)
    ask = f"SELECT {names} FROM main.{row.table} WHERE {row.columns[0]} = ?"  # noqa: S608  ours
    try:
        there = db.execute(ask, (row.key,)).fetchone()
    except sqlite3.OperationalError as error:  # a text that is none
        if is_passing(error):
            raise
        return False
    return (there and list(there)) == (row.values and [_value(each) for each in row.values])


def put_all(db: sqlite3.Connection, rows: list[Row]) -> None:
    """Every row just so, in the caller's transaction."""
    db.execute("PRAGMA defer_foreign_keys = ON")
    for row in rows:
        _put(db, row, is_sure=True)


def _put(db: sqlite3.Connection, row: Row, *, is_sure: bool) -> int:
    """Whether something had to be changed."""
    if row.values is None:
        gone = f"DELETE FROM main.{row.table} WHERE {row.columns[0]} = ?"  # noqa: S608  ours
        return db.execute(gone, (row.key,)).rowcount if is_sure else 0
    if is_so(db, row):
        return 0
    marks, names = ", ".join("?" * len(row.values)), ", ".join(row.columns)
    way = "REPLACE" if is_sure else "IGNORE"
    put = f"INSERT OR {way} INTO main.{row.table} ({names}) VALUES ({marks})"  # noqa: S608  ours
    return db.execute(put, [_value(each) for each in row.values]).rowcount


def _closed(file: Path) -> list[int] | None:
    _, line = whole(file)
    told = read(line)
    return told.get("closed") if isinstance(told, dict) else None


def _value(told: Any) -> Any:
    return bytes.fromhex(told["hex"]) if isinstance(told, dict) else told
