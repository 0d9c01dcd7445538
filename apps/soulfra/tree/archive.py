"""Whispers, stories and dissolved clusters of months that are over, as compressed lines of JSON.

What lives in Postgres stays there, as it follows from the log; the documents of a cluster go when
it dissolves. A month is written once. ``<month>.json`` comes last, after the lines were written,
synced and read back, and says which file they are in: what lies there beside it is half of a run
that was killed, and goes with the next.
"""

import gzip
import hashlib
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, get_args

from psycopg.rows import dict_row
from pydantic import ValidationError

from apps.archive import replacing
from apps.soulfra.tree.look import SQL, Connection, Look, looked
from apps.soulfra.tree.sealed import Altered, held, path_of, read, write
from apps.sqlite import sync_directory
from schemas.errors import Diverged, Unreachable
from schemas.quantity import Closed
from schemas.soulfra import documents as d

LINES: Final[Mapping[d.Kind, type[Closed]]] = MappingProxyType(
    {
        "chatlogs": d.ChatLine,
        "mythology": d.MythologyLine,
        "dissolved_clusters": d.DissolvedLine,
    }
)
AT_ONCE: Final = 2_000
"""Rows that are fetched together."""
BROKEN: Final = (OSError, EOFError, zlib.error, ValidationError)


@dataclass(frozen=True, slots=True)
class Spoilt:
    """A month that is not what it was."""

    place: str
    why: str


def archive(conn: Connection, root: Path, now: datetime | None = None) -> list[d.Archived]:
    """Write the months that are over and not there yet; gives those."""
    made: list[d.Archived | None] = []
    with held(root), looked(conn) as look:
        upto = (now or look.at) - timedelta(days=d.ARCHIVE_AFTER_DAYS)
        for kind in LINES:
            (first,) = conn.execute(SQL[f"months_of_{kind}"]).fetchone() or (None,)
            made += [_month(look, root, kind, month) for month in months(first, upto)]
    return [each for each in made if each is not None]


def months(first: datetime | None, upto: datetime) -> Iterator[datetime]:
    """The first instants of months that begin at or after that of ``first`` and are over."""
    if first is None:
        return
    month = first.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    while after(month) <= upto:
        yield month
        month = after(month)


def after(month: datetime) -> datetime:
    """The month after one."""
    return (month + timedelta(days=32)).replace(day=1)


def verify(root: Path) -> Iterator[Spoilt]:
    """Every month that does not read back as it was written, and what belongs to none."""
    for kind in get_args(d.Kind):
        folder = path_of(root, d.Archived, kind, "x").parent
        known = set()
        for place in sorted(folder.glob("*.json")):
            name = str(place.relative_to(root))
            try:
                manifest = read(place, d.Archived)
                if manifest is not None:
                    known.add(manifest.file)
                    prove(folder, manifest)
            except (Altered, *BROKEN) as error:
                yield Spoilt(name, f"{type(error).__name__}: {error}".partition("\n")[0])
        for left in sorted(folder.glob("*.jsonl.gz")):
            if left.name not in known:
                yield Spoilt(str(left.relative_to(root)), "no manifest tells of it")


def prove(folder: Path, manifest: d.Archived) -> None:
    """Altered, or what reading it raises, unless it is what its manifest says."""
    tally = Tally()
    for line in lines(folder / manifest.file):
        LINES[manifest.kind].model_validate_json(line)
        tally.add(line)
    if (tally.rows, tally.digest) != (manifest.rows, manifest.lines_sha256):
        raise Altered(f"{manifest.file} holds other lines")


class Tally:
    """Rows and hash of lines that go by."""

    def __init__(self) -> None:
        self.rows = 0
        self._hash = hashlib.sha256()

    def add(self, line: bytes) -> None:
        """One more."""
        self.rows += 1
        self._hash.update(line)

    @property
    def digest(self) -> str:
        """Of all of them."""
        return self._hash.hexdigest()


def lines(path: Path) -> Iterator[bytes]:
    """Of a compressed file."""
    with gzip.open(path) as packed:
        yield from packed


def put(
    root: Path,
    kind: d.Kind,
    month: str,
    rows: Iterable[tuple[datetime, bytes]],
    *,
    said: Mapping[str, Any],
    generation: int = 1,
) -> d.Archived:
    """Write the lines of a month, prove them, say so, and remove what was there before."""
    manifest = path_of(root, d.Archived, kind, month)
    folder = manifest.parent
    path = folder / f"{month}.{generation}.jsonl.gz"
    tally, first, last = Tally(), None, None
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with replacing(path) as file, gzip.GzipFile("", "wb", 6, file, mtime=0) as packed:
            for at, line in rows:
                first, last = first or at, at
                tally.add(line)
                packed.write(line)
        size = path.stat().st_size
    except OSError as error:
        raise Unreachable(f"{path}: {error.strerror}", "is the disk full?") from None
    made = d.Archived.model_validate(
        {
            "forgotten": 0, **said, "kind": kind, "month": month, "file": path.name,
            "rows": tally.rows, "first_at": first, "last_at": last,
            "lines_sha256": tally.digest, "size_bytes": size,
        }
    )  # fmt: skip
    try:
        prove(folder, made)
    except (Altered, *BROKEN) as error:
        raise Diverged(f"{path}: does not read back as it was written: {error}") from None
    made = write(manifest, made)
    tidy(folder, month, path.name)
    return made


def tidy(folder: Path, month: str, kept: str) -> int:
    """Remove what was written of a month and is told by nothing; gives how many files."""
    left = [path for path in folder.glob(f"{month}.*.jsonl.gz") if path.name != kept]
    for path in left:
        path.unlink()
    if left:
        sync_directory(folder)
    return len(left)


def _month(look: Look, root: Path, kind: d.Kind, month: datetime) -> d.Archived | None:
    called = f"{month:%Y-%m}"
    place = path_of(root, d.Archived, kind, called)
    try:
        there = read(place, d.Archived)
    except Altered as error:
        raise Diverged(f"{place}: {error}", "move it and its .jsonl.gz away, keep them") from None
    if there is not None:
        tidy(place.parent, called, there.file)
        return None
    rows = _rows(look, kind, month)
    begun = next(rows, None)
    if begun is None:
        return None  # nothing happened then, and nothing can any more
    return put(root, kind, called, _chained(begun, rows), said=look.made)


def _rows(look: Look, kind: d.Kind, month: datetime) -> Iterator[tuple[datetime, bytes]]:
    asked = {"first": month, "upto": after(month)}
    with look.conn.cursor(f"archive_{kind}", row_factory=dict_row) as cursor:
        cursor.itersize = AT_ONCE
        cursor.execute(SQL[kind], asked)
        for row in cursor:
            line = LINES[kind].model_validate(row).model_dump_json()
            yield row["at"], line.encode() + b"\n"


def _chained(
    first: tuple[datetime, bytes], rest: Iterator[tuple[datetime, bytes]]
) -> Iterator[tuple[datetime, bytes]]:
    yield first
    yield from rest
