"""What the journal tells: each row as it was last, and whether nothing can have changed since."""

import json
import sqlite3
from collections import Counter
from collections.abc import Container, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

from apps.anima.clock import kernel_boot
from apps.anima.transaction import is_passing

TAIL_BYTES = 4_096
"""Read of a file's end at first: whoever starts is in a hurry."""


class Row(NamedTuple):
    """A changed row as it was last: its values by the columns, or None if it was deleted."""

    columns: list[str]
    values: list[Any] | None


class Ending(NamedTuple):
    """Who wrote the newest file, of what tables, and how the database lay there when it ended."""

    boot: str
    columns: dict[str, list[str]]
    closed: list[int] | None

    def is_of(self, database: Path) -> bool:
        """Whether nobody else wrote since: no other process, and no power cut took its end."""
        if self.closed is None:
            return self.boot == kernel_boot()
        return database.exists() and self.closed == lies(database)


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


def ending(database: Path) -> Ending | None:
    """How the journal ends; None if it tells nothing."""
    for file in kept(database)[-1:]:
        head = next(lines(file), None)
        if isinstance(head, dict) and "columns" in head:
            _, line = whole(file)
            told = _read(line)
            closed = told.get("closed") if isinstance(told, dict) else None
            return Ending(head["boot"], head["columns"], closed)
    return None


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


def lies(database: Path) -> list[int]:
    """What a write changes: bytes, and when it was last written, in nanoseconds."""
    found = database.stat()
    return [found.st_size, found.st_mtime_ns]


def replay(
    db: sqlite3.Connection, database: Path, damaged: Path
) -> tuple[Counter[str], Counter[str]]:
    """Make the rows of ``db`` as the journal has them last; rows put right, and not fit, by table.

    If somebody may have written since, or a line is not as it was written, then the rows that are
    there stay, and only those come back that are not.
    """
    right, unfit = Counter[str](), Counter[str]()
    end = ending(database)
    rows, is_whole = last(kept(database))
    is_sure = is_whole and end is not None and end.is_of(damaged)
    for (table, number), row in rows.items():
        try:
            right[table] += _put(db, table, number, row, is_sure=is_sure)
        except sqlite3.Error as error:
            if is_passing(error):
                raise
            unfit[table] += 1
    return right, unfit


def last(
    files: Iterable[Path], only: Container[tuple[str, int]] | None = None
) -> tuple[dict[tuple[str, int], Row], bool]:
    """Each changed row, in the order of the last changes; whether every line could be read."""
    rows: dict[tuple[str, int], Row] = {}
    is_whole = True
    for file in files:
        columns: dict[str, list[str]] = {}
        for told in lines(file):
            if isinstance(told, dict):
                columns = told.get("columns", columns)
                continue
            is_whole = is_whole and told is not None
            for table, number, values in told or ():
                if table in columns and (only is None or (table, number) in only):
                    rows.pop((table, number), None)
                    rows[table, number] = Row(columns[table], values)
    return rows, is_whole


def lines(file: Path, only: bytes = b"") -> Iterator[Any]:
    """What each whole line tells: None if it is not as it was written, or not of ``only``."""
    with file.open("rb") as content:
        for line in content:
            if not line.endswith(b"\n"):
                return  # killed in it: that transaction was not committed
            yield _read(line) if line[9:].startswith(only) else None


def _read(line: bytes) -> Any:
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


def _value(told: Any) -> Any:
    return bytes.fromhex(told["hex"]) if isinstance(told, dict) else told


def is_so(db: sqlite3.Connection, table: str, number: int, row: Row) -> bool:
    """Whether ``db`` has the row, and just so."""
    ask = f"SELECT {', '.join(row.columns)} FROM main.{table} WHERE rowid = ?"  # noqa: S608  ours
    try:
        there = db.execute(ask, (number,)).fetchone()
    except sqlite3.OperationalError as error:  # a text that is none
        if is_passing(error):
            raise
        return False
    return (there and list(there)) == (row.values and [_value(each) for each in row.values])


def _put(db: sqlite3.Connection, table: str, number: int, row: Row, *, is_sure: bool) -> int:
    """Whether something had to be changed."""
    if row.values is None:
        gone = f"DELETE FROM main.{table} WHERE rowid = ?"  # noqa: S608  names of our own schema
        return db.execute(gone, (number,)).rowcount if is_sure else 0
    if is_so(db, table, number, row):
        return 0
    marks = ", ".join("?" * (len(row.values) + 1))
    names, way = ", ".join(row.columns), "REPLACE" if is_sure else "IGNORE"
    put = f"INSERT OR {way} INTO main.{table} (rowid, {names}) VALUES ({marks})"  # noqa: S608
    return db.execute(put, (number, *map(_value, row.values))).rowcount
