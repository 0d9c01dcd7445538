"""Rows of Postgres as a compressed CSV with a manifest, and back into a table.

``<name>.csv.gz`` and ``<name>.json`` lie side by side. The manifest comes last, after the file was
written, synced and read back: an archive without manifest is not one.
"""

import gzip
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import psycopg
from psycopg import sql
from pydantic import ValidationError

from apps.queries import load
from schemas.errors import Diverged, Refused, Unreachable
from schemas.governance.audit import Manifest

Connection = psycopg.Connection[Any]
SQL = load(Path(__file__).with_name("archive.sql"))
CHUNK_BYTES = 1_048_576


@dataclass(slots=True)
class Tally:
    """Rows and hash of a CSV that goes by in pieces."""

    sha256: Any
    lines: int = 0
    quotes: int = 0

    def add(self, line: bytes) -> None:
        """Count a line that ends a row; within quotes it goes on."""
        self.sha256.update(line)
        self.quotes += line.count(b'"')
        self.lines += self.quotes % 2 == 0

    @property
    def rows(self) -> int:
        """Without the header."""
        return max(self.lines - 1, 0)


def archive(
    conn: Connection,
    source: str | sql.Composable,
    folder: Path,
    name: str,
    *,
    migration: str | None = None,
    bounds: tuple[datetime, datetime] | None = None,
) -> Manifest:
    """Write the rows of ``schema.table``, or of a query, and prove that they can be read back.

    Refused if there is an archive of that name. Unreachable when the disk will not have it.
    """
    data, manifest = _places(folder, name)
    if manifest.exists():
        raise Refused(f"{manifest}: is there already", "archives are never written over")
    columns, query, called = _asked(conn, source)
    written = hashlib.sha256()
    with _disk(folder):
        folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        with replacing(data) as file, gzip.GzipFile("", "wb", 6, file, mtime=0) as packed:
            for chunk in _rows(conn, query):
                written.update(chunk)
                packed.write(chunk)
        read = _tally(data)
        if read.sha256.digest() != written.digest():
            raise Diverged(f"{data}: does not read back as it was written", "is the disk failing?")
        made = Manifest(
            table=called,
            from_at=bounds[0] if bounds else None,
            upto_at=bounds[1] if bounds else None,
            columns=columns,
            rows=read.rows,
            sha256=read.sha256.hexdigest(),
            size_bytes=data.stat().st_size,
            migration=migration,
            made_at=datetime.now(UTC),
        )
        with replacing(manifest) as file:
            file.write(made.model_dump_json(indent=2).encode() + b"\n")
    return made


def verify(folder: Path, name: str) -> Manifest | None:
    """The manifest of a whole archive, None if there is none; Diverged if it is not whole."""
    data, place = _places(folder, name)
    with _disk(folder):
        if not place.exists():
            return None
        try:
            manifest = Manifest.model_validate_json(place.read_bytes())
            read = _tally(data)
        except (ValidationError, EOFError, FileNotFoundError, gzip.BadGzipFile) as error:
            raise _spoilt(place, type(error).__name__) from None
    if (read.rows, read.sha256.hexdigest()) != (manifest.rows, manifest.sha256):
        raise _spoilt(place, f"{data.name} holds other rows")
    return manifest


def restore(conn: Connection, folder: Path, name: str, into: str) -> int:
    """Append the rows of a verified archive to ``schema.table``, all or none; gives how many."""
    manifest = verify(folder, name)
    data, place = _places(folder, name)
    if manifest is None:
        raise Refused(f"{place}: no such archive")
    statement = sql.SQL(
        "COPY {} ({}) FROM STDIN (FORMAT csv, HEADER true, ENCODING 'UTF8')"
    ).format(_identifier(into), sql.SQL(", ").join(map(sql.Identifier, manifest.columns)))
    with conn.transaction(), conn.cursor() as cursor, gzip.open(data) as packed:
        cursor.execute(SQL["plain_text"])
        with cursor.copy(statement) as copy:
            while chunk := packed.read(CHUNK_BYTES):
                copy.write(chunk)
        if cursor.rowcount != manifest.rows:
            raise Diverged(f"{into}: took {cursor.rowcount} of {manifest.rows} rows")
    return manifest.rows


def _asked(
    conn: Connection, source: str | sql.Composable
) -> tuple[tuple[str, ...], sql.Composable, str]:
    """Columns, query and name of what is to be archived."""
    if not isinstance(source, str):
        with conn.transaction(), conn.cursor() as cursor:
            cursor.execute(sql.SQL("SELECT asked.* FROM ({}) AS asked LIMIT 0").format(source))
            columns = tuple(column.name for column in cursor.description or ())
        return columns, source, source.as_string(conn)
    table = _identifier(source)
    found = conn.execute(SQL["columns"], {"table": table.as_string(conn)}).fetchall()
    if not found:
        raise Refused(f"{source}: no such table")
    columns = tuple(str(row[0]) for row in found)
    wanted = sql.SQL(", ").join(map(sql.Identifier, columns))
    return columns, sql.SQL("SELECT {} FROM {}").format(wanted, table), source


def _rows(conn: Connection, query: sql.Composable) -> Iterator[bytes]:
    """The CSV, as the server sends it."""
    statement = sql.SQL("COPY ({}) TO STDOUT (FORMAT csv, HEADER true, ENCODING 'UTF8')")
    with conn.transaction(), conn.cursor() as cursor:
        cursor.execute(SQL["plain_text"])
        with cursor.copy(statement.format(query)) as copy:
            yield from map(bytes, copy)


def _tally(data: Path) -> Tally:
    tally = Tally(hashlib.sha256())
    with gzip.open(data) as packed:
        for line in packed:
            tally.add(line)
    return tally


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A new file in the place of ``path``, once it is whole and on the disk.

    Each process has its own; what one that was killed left goes with the next that is whole.
    """
    new = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with os.fdopen(os.open(new, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o640), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        new.rename(path)
        for left in path.parent.glob(f".{path.name}.*.new"):
            if not _runs(int(left.suffixes[-2][1:])):
                left.unlink(missing_ok=True)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
    handle = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # somebody else's
    return True


@contextmanager
def _disk(folder: Path) -> Iterator[None]:
    """What the disk refuses, in our words."""
    try:
        yield
    except OSError as error:
        where = error.filename or folder
        raise Unreachable(f"{where}: {error.strerror}", "is the disk full?") from None


def _places(folder: Path, name: str) -> tuple[Path, Path]:
    return folder / f"{name}.csv.gz", folder / f"{name}.json"


def _identifier(table: str) -> sql.Identifier:
    return sql.Identifier(*table.split("."))


def _spoilt(place: Path, why: str) -> Diverged:
    return Diverged(
        f"{place}: is not what it was: {why}", "move it and its .csv.gz away, keep them"
    )
