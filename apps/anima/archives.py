"""Rows that left anima.db: ``archive/<table>/<table>-<day>.csv.gz`` with a manifest beside it.

RFC 4180 with a header; numbers as Python writes them, text always quoted, NULL as nothing. The
manifest comes last, after the file was synced and read back: without it nothing is there.
"""

import hashlib
import json
import os
import re
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

from apps.documents import replace
from apps.sqlite import sync_directory
from schemas.errors import Diverged, HouseError, Unreachable

FOLDER: Final = "archive"
LEVEL: Final = 6
"""Of gzip: a quarter of the time of 9, for files that are 2 % larger."""
LIMIT_BYTES: Final = 2 * 2**30
"""Of all archives: ten years at today's pace."""
PIECE_BYTES: Final = 8_192
GZIP: Final = 31
"""zlib's word for: with gzip's header and checksum."""
FIELD = re.compile(rb'(?:^|,)(?:"((?:[^"]|"")*)"|([^",\r\n]*))')
NAME = re.compile(r"(?P<table>[a-z_]+)-(?P<day>\d{4}-\d{2}-\d{2})(?:\.(?P<part>[1-9]\d*))?\.json")
FILE = re.compile(r"[a-z_]+-\d{4}-\d{2}-\d{2}(?:\.(?P<part>[1-9]\d*))?\.(?:json|csv\.gz)")
NOT_OURS = "it is not a manifest of ours"
SPOILT = "it is not what was written; the rows are in the last backup, if anywhere"

Values = tuple[Any, ...]


class Archive(NamedTuple):
    """A manifest: what the compressed CSV beside it holds."""

    table: str
    day: str
    """The UTC day of its rows."""
    columns: tuple[str, ...]
    rows: int
    first_id: int
    last_id: int
    from_at: str
    upto_at: str
    sha256: str
    """Of the CSV, uncompressed, in hex."""
    size_bytes: int
    """Of the file, compressed."""
    schema_version: int | None
    made_at: str
    held_until: str | None = None
    """Until then its rows may be in the database, too."""
    part: int = 1

    @property
    def name(self) -> str:
        """Without an ending."""
        return f"{self.table}-{self.day}{f'.{self.part}' if self.part > 1 else ''}"


def listed(
    home: Path, table: str | None = None, spoilt: Callable[[HouseError], None] | None = None
) -> list[Archive]:
    """Every archive that is there, by table, then by id.

    Diverged if a manifest is damaged, unless ``spoilt`` wants to be told of each.
    """
    found = []
    for path in (home / FOLDER).glob(f"{table or '*'}/*.json"):
        if (matched := NAME.fullmatch(path.name)) and matched["table"] == path.parent.name:
            try:
                found.append(_read(path, matched))
            except HouseError as error:
                if spoilt is None:
                    raise
                spoilt(error)
    return sorted(found, key=lambda archive: (archive.table, archive.first_id))


def is_held(archive: Archive, now: datetime) -> bool:
    """Whether its rows may be in the database as well."""
    return archive.held_until is not None and datetime.fromisoformat(archive.held_until) > now


@contextmanager
def alone(home: Path, seconds: float) -> Iterator[bool]:
    """Whether nobody else is at work on the archives, now or within so many seconds."""
    import fcntl  # noqa: PLC0415  once an hour

    folder = home / FOLDER
    with _disk(folder):
        _make(folder)
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    until = time.monotonic() + seconds
    try:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= until:
                    yield False
                    return
                time.sleep(0.05)
            else:
                break
        yield True
    finally:
        os.close(handle)


def size_bytes(home: Path) -> int:
    """What all archives and their manifests take on the card."""
    return sum(path.stat().st_size for path in (home / FOLDER).glob("*/*") if path.is_file())


def place(home: Path, archive: Archive) -> Path:
    """Where its rows are."""
    return home / FOLDER / archive.table / f"{archive.name}.csv.gz"


def next_part(home: Path, table: str, day: str) -> int:
    """The part of a day that no file has the name of: what lost its manifest is kept, too."""
    names = [path.name for path in (home / FOLDER / table).glob(f"{table}-{day}*")]
    parts = [int(found["part"] or 1) for name in names if (found := FILE.fullmatch(name))]
    return 1 + max(parts, default=0)


def write(
    home: Path, draft: Archive, rows: Iterable[Values], when: Callable[[Values], str]
) -> Archive:
    """Write rows as the archive that ``draft`` names, prove that they can be read, sign for them.

    What ``draft`` says of the rows (count, ids, times, hash) is found while writing: the first
    column is the id, ``when`` gives the time.
    """
    path = place(home, draft)
    with _disk(path):
        _make(path.parent)
        first: Values = ()
        last: Values = ()
        count = 0
        sha = hashlib.sha256()
        with replacing(path) as file:
            squeeze = zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP)
            head = line(draft.columns)
            sha.update(head)
            file.write(squeeze.compress(head))
            for row in rows:
                text = line(row)
                sha.update(text)
                file.write(squeeze.compress(text))
                first, last, count = first or row, row, count + 1
            file.write(squeeze.flush())
        found = draft._replace(
            rows=count,
            first_id=first[0],
            last_id=last[0],
            from_at=when(first),
            upto_at=when(last),
            sha256=sha.hexdigest(),
            size_bytes=path.stat().st_size,
        )
        verify(home, found)
        sign(home, found)
    return found


def sign(home: Path, archive: Archive) -> None:
    """Write the manifest in the place of the old one, if there is one."""
    told = archive._asdict()
    del told["part"]
    path = place(home, archive).with_name(f"{archive.name}.json")
    with _disk(path):
        replace(path, (json.dumps(told, indent=1), "\n"))


def verify(home: Path, archive: Archive) -> None:
    """Diverged unless every byte is as it was written, and as the manifest says."""
    path = place(home, archive)
    sha, count, first, last = hashlib.sha256(), -1, 0, 0
    try:
        for text in _lines(path):
            sha.update(text)
            count += 1
            if count > 0:
                last = id_of(text)
                first = first or last
    except (ValueError, EOFError, zlib.error, FileNotFoundError) as error:
        raise Diverged(f"{path}: {type(error).__name__}: {error}", hint=SPOILT) from None
    except OSError as error:
        raise Unreachable(f"{path}: {error}") from error
    said = (archive.sha256, archive.rows, archive.first_id, archive.last_id)
    if (sha.hexdigest(), count, first, last) != said:
        raise Diverged(f"{path}: holds other rows than its manifest says", hint=SPOILT)


def lines_of(home: Path, archive: Archive) -> Iterator[bytes]:
    """Its rows as ``line`` made them, one by one; verify it first."""
    lines = _lines(place(home, archive))
    if values(next(lines, b"")) != archive.columns:
        raise Diverged(f"{place(home, archive)}: has other columns than its manifest", hint=SPOILT)
    return lines


def id_of(text: bytes) -> int:
    """The id of a row."""
    return int(text[: text.index(b",")])


def line(row: Iterable[Any]) -> bytes:
    r"""One row as CSV.

    >>> line([7, 0.1, None, 'a "b" c'])
    b'7,0.1,,"a ""b"" c"\r\n'
    """
    return (",".join(map(_field, row)) + "\r\n").encode()


def values(text: bytes) -> Values:
    r"""What ``line`` was made of.

    >>> values(b'7,0.1,,"a ""b"" c"\r\n')
    (7, 0.1, None, 'a "b" c')
    """
    return tuple(_value(found[1], found[2]) for found in FIELD.finditer(text.removesuffix(b"\r\n")))


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file that takes the place of the old one when it is whole and on disk."""
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        draft.unlink()
        raise
    draft.replace(path)
    sync_directory(path.parent)


def _field(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return '"' + value.replace('"', '""') + '"'
    return repr(value)


def _value(quoted: bytes | None, bare: bytes) -> Any:
    if quoted is not None:
        return quoted.replace(b'""', b'"').decode()
    if not bare:
        return None
    return float(bare) if any(each in b".enif" for each in bare) else int(bare)


def _lines(path: Path) -> Iterator[bytes]:
    """The rows of a CSV as bytes; within quotes a line goes on. Memory: the longest row."""
    squeezed = zlib.decompressobj(GZIP)
    held, quotes = bytearray(), 0
    with path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            for part in squeezed.decompress(piece).splitlines(keepends=True):
                held += part
                quotes += part.count(b'"')
                if part.endswith(b"\n") and quotes % 2 == 0:
                    yield bytes(held)
                    held.clear()
                    quotes = 0
    if held or not squeezed.eof or squeezed.unused_data:
        raise EOFError("ends too early, or too late")


def _read(path: Path, matched: re.Match[str]) -> Archive:
    try:
        told = json.loads(path.read_bytes())
        told["columns"] = tuple(told["columns"])
        archive = Archive(**told, part=int(matched["part"] or 1))
        is_named = (archive.table, archive.day) == (matched["table"], matched["day"])
        is_some = 0 < archive.first_id <= archive.last_id and archive.rows > 0
    except (ValueError, TypeError, KeyError) as error:
        raise Diverged(f"{path}: {error}", hint=NOT_OURS) from None
    except OSError as error:
        raise Unreachable(f"{path}: {error}") from error
    if not is_named or not is_some:
        raise Diverged(f"{path}: tells of other rows than its name", hint=NOT_OURS)
    return archive


def _make(folder: Path) -> None:
    if not folder.is_dir():
        if folder.name != FOLDER:
            _make(folder.parent)
        folder.mkdir(mode=0o700)
        sync_directory(folder.parent)


@contextmanager
def _disk(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unreachable(f"{path}: {error}", hint="is the card full, or not ours?") from error
