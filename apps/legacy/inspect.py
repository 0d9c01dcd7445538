"""Look at a directory of old data: what each thing is, by its content, and what becomes of it."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from apps.legacy import database, texts
from apps.legacy.seen import Inspected, Part, Thing
from apps.legacy.source import MAGIC, beside
from schemas.errors import Refused
from schemas.legacy.files import (
    BESIDE,
    DEPRECATED,
    DEPRECATED_DIRECTORIES,
    EMPTY,
    MARK,
    MIGRATED,
    ORPHAN,
    UNKNOWN,
)  # fmt: skip
from schemas.legacy.shape import Fate, OldFile

ENDS: Final = ("-wal", "-shm", "-journal")
WAL_HEADER_BYTES: Final = 32


def inspect(directory: Path, *, quick: bool = False) -> Inspected:
    """Every file below it, and each deprecated directory as one; nothing is written.

    Quick, only the first lines of a file of lines are looked at.
    """
    if not directory.is_dir():
        raise Refused(f"{directory}: is no directory", "point at the old server's data/")
    whole = str(directory.resolve())
    if _shown(whole) != whole:
        raise Refused(f"{_shown(whole)}: its name is not UTF-8", "give it another")
    things = [_thing(path, str(path.relative_to(directory)), quick) for path in _found(directory)]
    return Inspected(directory=whole, things=things)


def _found(directory: Path) -> Iterator[Path]:
    """In the order of their names; a link is a thing and is not followed."""
    for path in sorted(directory.iterdir()):
        is_directory = path.is_dir() and not path.is_symlink()
        if is_directory and path.name not in DEPRECATED_DIRECTORIES:
            yield from _found(path)
        else:
            yield path


def _thing(path: Path, name: str, quick: bool) -> Thing:
    try:
        if _shown(name) != name:
            return _plain(_shown(name), UNKNOWN, path.lstat().st_size, "its name is not UTF-8")
        return _told(path, name, quick)
    except OSError as error:
        return _plain(name, UNKNOWN, 0, f"{error.strerror}")


def _told(path: Path, name: str, quick: bool) -> Thing:
    if path.is_dir() and not path.is_symlink():
        return _directory(path, name)
    if path.is_symlink() or not path.is_file():
        is_link = path.is_symlink()
        what = f"is a link to {_shown(path.readlink())}" if is_link else "is no file"
        return _plain(name, UNKNOWN, 0, what)
    size = path.stat().st_size
    for end in ENDS:
        if path.name.endswith(end):
            return _leftover(path, name, end)
    if MARK in path.name:
        return _plain(name, MIGRATED, size)
    if size == 0:
        held = _held(beside(path, "-wal"))
        return _plain(name, EMPTY, 0, *(["its -wal holds rows that it lacks"] if held else []))
    is_sqlite = _is_sqlite(path)
    told = database.inspect(path, name) if is_sqlite else texts.inspect(path, name, quick=quick)
    return told or _plain(name, UNKNOWN, size, "is nothing that an old writer made")


def _shown(name: str | Path) -> str:
    """As a text, whatever its bytes are."""
    return os.fsencode(name).decode(errors="backslashreplace")


def _is_sqlite(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def _leftover(path: Path, name: str, end: str) -> Thing:
    size = path.stat().st_size
    main = path.with_name(path.name.removesuffix(end))
    if main.is_file() and main.stat().st_size:
        return _plain(name, BESIDE, size)
    if end == "-shm" or not _held(path):
        return _plain(name, ORPHAN, size)
    return _plain(name, ORPHAN, size, "holds rows, and no database is beside it")


def _held(log: Path) -> bool:
    """Whether a log may hold what its database does not."""
    return log.is_file() and log.stat().st_size > WAL_HEADER_BYTES


def _directory(path: Path, name: str) -> Thing:
    files = [file for file in path.rglob("*") if file.is_file() and not file.is_symlink()]
    size = sum(file.stat().st_size for file in files)
    strange = [
        f"{_shown(file.relative_to(path))}: is a database"
        for file in sorted(files)
        if _is_sqlite(file)
    ]
    part = Part(name="files", rows=len(files), fate="retired")
    return _plain(f"{name}/", DEPRECATED, size, *strange, parts=[part])


def _plain(name: str, kind: OldFile, size: int, *strange: str, parts: Sequence[Part] = ()) -> Thing:
    fate: Fate = "unknown" if strange else kind.fate
    return Thing(path=name, kind=kind.kind, size_bytes=size, fate=fate, parts=list(parts),
                 not_understood=list(strange))  # fmt: skip
