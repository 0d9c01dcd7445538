"""A data set: a directory of tables, each telling its units and where it is from."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from apps.eisv.columns import GAPS, INSTANT, Series, Told, schema, told
from schemas.errors import Diverged, Refused, Unreachable

CONTRACT: Final = 1
"""Of the directory: its files, their columns, and what is told of them."""
ISO: Final = "%Y-%m-%dT%H:%M:%S+00:00"


class Format(StrEnum):
    """How a table is written."""

    PARQUET = "parquet"
    CSV = "csv"


def columns_of(name: str) -> list[Told]:
    """What a table of a data set holds, in order."""
    return GAPS if name == "gaps" else told(Series(name))


class Sheet:
    """One table while it is written: in batches, so that it may be of any length."""

    def __init__(self, folder: Path, name: str, form: Format, provenance: dict[str, Any]) -> None:
        self.rows = 0
        self._columns = columns_of(name)
        self._sidecar = folder / f"{name}.json" if form is Format.CSV else None
        self._told = tale(name, self._columns, provenance)
        path = folder / f"{name}.{form}"
        self._writer: Any
        if form is Format.PARQUET:
            metadata = {"abode": json.dumps(self._told)}
            kept = schema(self._columns).with_metadata(metadata)
            self._writer = pyarrow.parquet.ParquetWriter(
                path, kept, compression="zstd", use_dictionary=_texts(kept)
            )
        else:
            self._writer = pyarrow.csv.CSVWriter(path, pa.schema(_plain(schema(self._columns))))

    def add(self, rows: pa.Table) -> None:
        """Append rows that have exactly the columns of the table."""
        if not rows.num_rows:
            return
        self.rows += rows.num_rows
        if self._sidecar:
            rows = rows.cast(rows.schema.remove_metadata())
            for n, field in enumerate(rows.schema):
                if field.type == INSTANT:
                    text = pc.strftime(rows[field.name], ISO)
                    rows = rows.set_column(n, field.name, text)
        self._writer.write_table(rows)

    def close(self) -> None:
        """Finish; a CSV gets its sidecar."""
        self._writer.close()
        if self._sidecar:
            told = {**self._told, "rows": self.rows}
            self._sidecar.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def tale(name: str, columns: list[Told], provenance: dict[str, Any]) -> dict[str, Any]:
    """What is told of a table: of each column, and of where it all is from."""
    return {
        "contract": CONTRACT,
        "table": name,
        "columns": {
            column.name: {"type": str(column.kind), **column.metadata} for column in columns
        },
        "provenance": provenance,
    }


def _texts(kept: pa.Schema) -> list[str]:
    """Words repeat, measured numbers do not: to look for repeats among them costs a second."""
    return [field.name for field in kept if field.type == pa.string()]


def _plain(kept: pa.Schema) -> Iterator[pa.Field]:
    for field in kept:
        yield pa.field(field.name, pa.string() if field.type == INSTANT else field.type)


@contextmanager
def made(out: Path, *, force: bool) -> Iterator[Path]:
    """A directory to write to, which takes its place whole at the end or leaves no trace."""
    refuse(out, force=force)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    except OSError as error:
        raise Unreachable(f"{out.parent}: {error.strerror}") from error
    try:
        part.chmod(0o755)
        yield part
        _settle(part)
        if out.exists():
            old = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent)) / "old"
            out.rename(old)
            part.rename(out)
            shutil.rmtree(old.parent)
        else:
            part.rename(out)
    finally:
        if part.exists():
            shutil.rmtree(part)


def refuse(out: Path, *, force: bool) -> None:
    """Nothing is written over unasked, and only a data set is written over at all."""
    if not out.exists():
        return
    if not force:
        raise Refused(f"{out}: is there already", "--force writes it anew")
    if not out.is_dir() or not all(_ours(path) for path in out.iterdir()):
        raise Refused(f"{out}: is no data set of ours", "choose another --out")


def _ours(path: Path) -> bool:
    tables = {*Series, "gaps"}
    return path.is_file() and path.stem in tables and path.suffix in {".parquet", ".csv", ".json"}


def _settle(folder: Path) -> None:
    for path in (*folder.iterdir(), folder):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def tables(folder: Path) -> list[str]:
    """Which tables are in a data set."""
    known = [*map(str, Series), "gaps"]
    found = [
        name for name in known if any((folder / f"{name}.{form}").is_file() for form in Format)
    ]
    if not found:
        raise Refused(f"{folder}: is no data set", "abode eisv export --out makes one")
    return found


def read(folder: Path, name: str, wanted: list[str] | None = None) -> pa.Table:
    """Some columns of a table of a data set, in their order; all of them without names."""
    columns = [column for column in columns_of(name) if wanted is None or column.name in wanted]
    names = [column.name for column in columns]
    packed, plain = folder / f"{name}.parquet", folder / f"{name}.csv"
    try:
        if packed.is_file():
            return pyarrow.parquet.read_table(packed, columns=names)
        convert = pyarrow.csv.ConvertOptions(
            column_types={column.name: column.kind for column in columns},
            include_columns=names,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        )
        return pyarrow.csv.read_csv(plain, convert_options=convert)
    except FileNotFoundError:
        raise Refused(f"{folder}: has no table {name}", "abode eisv export --series both") from None
    except (OSError, pa.ArrowException) as error:
        raise Diverged(f"{folder}: {name}: {error}", "export it anew") from error


def provenance(folder: Path, name: str) -> dict[str, Any]:
    """What a table of a data set tells of where it is from."""
    packed = folder / f"{name}.parquet"
    if packed.is_file():
        text = pyarrow.parquet.read_schema(packed).metadata[b"abode"]
    else:
        text = (folder / f"{name}.json").read_bytes()
    return dict(json.loads(text)["provenance"])
