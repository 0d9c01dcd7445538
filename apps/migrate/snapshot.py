"""Copies kept before something is changed or destroyed."""

import fcntl
import glob
import os
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import quote

from schemas.errors import Diverged, Refused

KEPT: Final = 3
"""Snapshots of one file that stay, the newest first; never counted is what was before us."""
KEPT_BYTES: Final = 2 * 1024**3
"""What they may take together; the newest stays whatever its size."""


def is_empty(path: Path) -> bool:
    """Whether there is nothing that a backup could save."""
    return not path.exists() or path.stat().st_size == 0


def snapshot(path: Path, why: str, say: Callable[[str], None] = lambda _: None) -> Path:
    """A checked copy beside the file, mode 0600; older ones go when there are too many.

    An online backup in one step: a writer in between would make it begin again, and never end.
    """
    whole = path.stat().st_size
    wal = Path(f"{path}-wal")
    whole += wal.stat().st_size if wal.exists() else 0
    if (free := shutil.disk_usage(path.parent).free) < whole * 1.1:
        raise Refused(
            f"{path}: no room for a snapshot of {whole / 1e6:.1f} MB, {free / 1e6:.1f} MB are free",
            hint="make room, or pass --no-backup",
        )
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    made = path.with_name(f"{path.name}.{why}.{stamp}")
    half = made.with_name(f"{made.name}.part")
    _sweep(path)
    # Locked as long as we live: what nobody holds is of somebody who was killed.
    held = os.open(half, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    fcntl.flock(held, fcntl.LOCK_EX)
    try:
        with _watched(half, whole, say):
            _copy(path, half)
        _check(half)
        half.replace(made)
        _sync(made.parent)
    except BaseException:
        half.unlink(missing_ok=True)
        raise
    finally:
        os.close(held)
    _thin(path)
    return made


def kept(path: Path) -> list[Path]:
    """Snapshots of a file, newest first."""
    found = path.parent.glob(f"{path.name}.*.*Z")
    return sorted(found, key=lambda file: file.name.split(".")[-2:], reverse=True)


def _copy(path: Path, to: Path) -> None:
    # Plain mode=ro: an online backup must see what is only in the write-ahead log.
    uri = f"file:{quote(str(path))}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True)) as here, closing(sqlite3.connect(to)) as there:
        there.execute("PRAGMA synchronous=OFF")
        here.backup(there, pages=-1)
        # The copy is of a moment when we held the line; whoever opens it finds it free.
        if there.execute("SELECT name FROM sqlite_schema WHERE name = 'yoyo_lock'").fetchone():
            there.execute("DELETE FROM yoyo_lock WHERE pid < 0")
            there.commit()
        # One file, without a log of its own.
        there.execute("PRAGMA journal_mode=DELETE")
    _sync(to)


def _check(path: Path) -> None:
    with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as copy:
        said = copy.execute("PRAGMA quick_check(1)").fetchone()[0]
    if said != "ok":
        raise Diverged(f"{path}: the copy is damaged: {said}", hint="is the database itself whole?")


def _thin(path: Path) -> None:
    room = KEPT_BYTES
    ours = [file for file in kept(path) if file.name.split(".")[-3] != "before-adopt"]
    for place, file in enumerate(ours):
        room -= file.stat().st_size
        if place and (place >= KEPT or room < 0):
            file.unlink()


def _sweep(path: Path) -> None:
    """Remove halves that nobody works on any more."""
    for half in path.parent.glob(f"{glob.escape(path.name)}.*.*Z.part"):
        with half.open("rb") as file, suppress(BlockingIOError, FileNotFoundError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            half.unlink()
            half.with_name(f"{half.name}-journal").unlink(missing_ok=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _watched(path: Path, whole: int, say: Callable[[str], None]) -> Iterator[None]:
    """Say once a second how far a growing file is."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(1):
            say(f"backup {min(99, 100 * path.stat().st_size // max(whole, 1))} %")

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
