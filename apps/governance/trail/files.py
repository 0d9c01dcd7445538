"""The files of a trail, in the order of its chain: old days, compressed or not, and the current."""

import gzip
import os
import re
import zlib
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import IO, NamedTuple

from pydantic import ValidationError

from apps.governance.trail.line import Link, is_sealed, link
from schemas.governance.files import TrailManifest

DAY = re.compile(r"-(\d{4}-\d{2}-\d{2})(?:\.\d+)?$")
MODE = 0o640
CHUNK_BYTES = 1_048_576
UNREADABLE = (gzip.BadGzipFile, EOFError, zlib.error)
"""What a packed file says that is not what was written."""


class File(NamedTuple):
    """One file of a trail and its first line's place in the chain."""

    path: Path
    first: Link
    day: date | None
    """None of the current one: its day is not over."""

    @property
    def is_packed(self) -> bool:
        """Whether it is compressed."""
        return self.path.suffix == ".gz"


def listing(current: Path) -> list[File]:
    """Every file with a line of the chain, the oldest first.

    A day that is there twice, because packing it was cut short, counts as not packed.
    """
    found: dict[str, File] = {}
    plain = sorted(current.parent.glob(f"{current.stem}-*{current.suffix}"))
    for path in (*packed(current), *plain, current):
        name = path.name.removesuffix(".gz").removesuffix(current.suffix)
        day = DAY.search(name)
        if (day is None and path != current) or (first := first_link(path)) is None:
            continue
        found[name] = File(path, first, date.fromisoformat(day[1]) if day else None)
    return sorted(found.values(), key=lambda file: (file.first.seq, file.day or date.max))


def packed(current: Path) -> list[Path]:
    """Every packed day, whether or not it can be read."""
    return sorted(current.parent.glob(f"{current.stem}-*{current.suffix}.gz"))


def spoilt(current: Path) -> list[Path]:
    """Packed days that show at a glance that they are not what was packed."""
    return [
        path
        for path in packed(current)
        if not path.with_suffix("").exists() and _looks_spoilt(path)
    ]


def is_whole(path: Path) -> bool:
    """Whether a packed day can be unpacked to its end."""
    try:
        with gzip.open(path) as file:
            while file.read(CHUNK_BYTES):
                pass
    except (OSError, *UNREADABLE):
        return False
    return True


def readable(path: Path) -> list[bytes]:
    """The lines of a spoilt packed day that are as they were written."""
    found = []
    with suppress(*UNREADABLE), gzip.open(path) as file:
        for ended in file:
            line = ended.rstrip(b"\n")
            said = link(line)
            if said and is_sealed(line, said):
                found.append(line)
    return found


def opened(path: Path) -> IO[bytes] | gzip.GzipFile:
    """The lines of a file, whether it is packed or not."""
    if path.suffix == ".gz":
        return gzip.open(path, "rb")
    return path.open("rb")


def first_link(path: Path) -> Link | None:
    """The place of a file's first line that has one; None without a file or such a line."""
    try:
        with opened(path) as file:
            return next((found for line in file if (found := link(line.rstrip(b"\n")))), None)
    except (FileNotFoundError, IsADirectoryError, *UNREADABLE):
        return None


def last_link(path: Path) -> Link | None:
    """The place of a file's last line that has one; of a spoilt one, what its manifest says."""
    if path.suffix == ".gz":
        try:
            with gzip.open(path) as lines:
                found = (each for line in lines if (each := link(line.rstrip(b"\n"))))
                return next(iter(deque(found, maxlen=1)), None)
        except UNREADABLE:
            told = manifest(path)
            return Link(told.last_seq, "", told.hash) if told else None
    with path.open("rb") as file:
        places = (link(line.rstrip(b"\n")) for _, line in backwards(file))
        return next((each for each in places if each), None)


def backwards(file: IO[bytes], step: int = 65_536) -> Iterator[tuple[int, bytes]]:
    """The lines of a plain file from the last to the first, each with where it begins."""
    at, rest = file.seek(0, os.SEEK_END), b""
    while at:
        size = min(step, at)
        at -= size
        file.seek(at)
        rest = file.read(size) + rest
        while (cut := rest.rfind(b"\n", 0, len(rest) - 1)) >= 0:
            yield at + cut + 1, rest[cut + 1 :]
            rest = rest[: cut + 1]
    if rest:
        yield 0, rest


def manifest(path: Path) -> TrailManifest | None:
    """What was packed, as it was told then."""
    try:
        told = path.with_name(path.name.removesuffix(".jsonl.gz") + ".json").read_bytes()
        return TrailManifest.model_validate_json(told)
    except (OSError, ValidationError):
        return None


def _looks_spoilt(path: Path) -> bool:
    told = manifest(path)
    try:
        return first_link(path) is None or (
            told is not None and path.stat().st_size != told.size_bytes
        )
    except FileNotFoundError:
        return False  # past its time, just now


def free(current: Path, called: str) -> Path:
    """A name beside the current file that nothing has: ``-called``, ``-called.2`` and so on."""
    for name in _names(f"{current.stem}-{called}"):
        path = current.with_name(name + current.suffix)
        if not path.exists() and not path.with_name(path.name + ".gz").exists():
            return path
    raise AssertionError  # the names do not end


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _names(name: str) -> Iterator[str]:
    yield name
    number = 2
    while True:
        yield f"{name}.{number}"
        number += 1
