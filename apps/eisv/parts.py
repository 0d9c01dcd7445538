"""Rows as they lie somewhere: an SQLite file, an archive's CSV, a chunk that came over ssh."""

import gzip
import hashlib
import sqlite3
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.csv
from pydantic import BaseModel, ConfigDict

from apps.eisv.columns import Source, raw
from apps.queries import load
from schemas.errors import Diverged
from schemas.quantity import Instant
from schemas.table import Table

SQL: Final = load(Path(__file__).with_name("eisv.sql"))
FETCH_ROWS: Final = 1_024
DAMAGED: Final = "restore it, or pass --skip-damaged: its rows are then a gap"


class Manifest(BaseModel):
    """What lies beside a ``.csv.gz`` and tells of it; keys that we do not need may be there."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    table: str
    rows: int
    first_id: int | None = None
    last_id: int | None = None
    from_at: Instant | None = None
    upto_at: Instant | None = None
    sha256: str


@dataclass(slots=True)
class Part:
    """Some rows of one table, in one place, between two ids."""

    source: Source
    name: str
    first: int
    last: int

    def read(self, first: int, last: int) -> pa.Table:
        """The rows between two ids, in their order."""
        raise NotImplementedError


@dataclass(slots=True)
class InFile(Part):
    """Rows of an SQLite file, read a span of ids at a time."""

    db: sqlite3.Connection
    table: type[Table]

    def read(self, first: int, last: int) -> pa.Table:
        """The rows between two ids, in their order."""
        kinds = raw(self.table)
        there = {row[0] for row in self.db.execute(SQL["columns"], {"table": self.table.table})}
        names = [name for name in kinds if name in there]
        asked = f"SELECT {', '.join(names)} FROM {self.table.table} WHERE id BETWEEN ? AND ? ORDER BY id"  # noqa: S608, E501  # names are declared
        try:
            batches = [
                pa.record_batch(
                    [
                        pa.array(column, kinds[name])
                        for name, column in zip(names, columns, strict=True)
                    ],
                    names,
                )
                for columns in _columns(self.db.execute(asked, (first, last)))
            ]
        except (sqlite3.DatabaseError, pa.ArrowException) as error:
            raise Diverged(
                f"{self.name}: {self.table.table}: {error}", "restore it from a backup"
            ) from error
        schema = pa.schema([(name, kinds[name]) for name in names])
        return pa.Table.from_batches(batches, schema)


def _columns(cursor: sqlite3.Cursor) -> Iterator[list[tuple[Any, ...]]]:
    while rows := cursor.fetchmany(FETCH_ROWS):
        yield list(zip(*rows, strict=True))


@dataclass(slots=True)
class Packed(Part):
    """Rows of a ``.csv.gz``: an archive of the Pi, or a chunk of its live table."""

    path: Path
    manifest: Manifest
    table: type[Table]
    _held: pa.Table | None = field(default=None)

    def read(self, first: int, last: int) -> pa.Table:
        """The rows between two ids, in their order; the file is held until its last was asked."""
        held = (
            self._held
            if self._held is not None
            else unpack(self.path, self.manifest, raw(self.table))
        )
        self._held = None if last >= self.last else held
        ids = held["id"].to_numpy()
        low, high = ids.searchsorted(first), ids.searchsorted(last, "right")
        return held.slice(low, high - low)


def unpack(path: Path, manifest: Manifest, kinds: dict[str, pa.DataType]) -> pa.Table:
    """The rows of a ``.csv.gz`` by id, proved against what its manifest says."""
    try:
        text = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise Diverged(f"{path}: cannot be unpacked: {error}", DAMAGED) from error
    if hashlib.sha256(text).hexdigest() != manifest.sha256:
        raise Diverged(f"{path}: is not what its manifest says: the hash differs", DAMAGED)
    try:
        found = pyarrow.csv.read_csv(
            pa.BufferReader(text),
            # All of it at once: a row is never cut, however long it is.
            read_options=pyarrow.csv.ReadOptions(block_size=len(text) or 1),
            parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=kinds,
                include_columns=list(kinds),
                include_missing_columns=True,
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
    except pa.ArrowException as error:
        raise Diverged(f"{path}: {error}", DAMAGED) from error
    if found.num_rows != manifest.rows:
        said = f"{found.num_rows} rows, {manifest.rows} by its manifest"
        raise Diverged(f"{path}: {said}", DAMAGED)
    return found.sort_by("id").combine_chunks()
