"""Open an old SQLite file so that nothing beside it is made and nothing in it can change.

Which way is safe depends on what lies beside it; see ``docs/legacy.md``.
"""

import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final, Literal, TypeVar
from urllib.parse import quote

from schemas.errors import Diverged, Refused

MAGIC: Final = b"SQLite format 3\0"
WAL_VERSION: Final = 2
BUSY_SECONDS: Final = 5.0
DEAD_SECONDS: Final = 2.0
"""A journal that is older, and locked by nobody, was left by a writer that died."""
Way = Literal["shared", "immutable", "copy"]
T = TypeVar("T")


class Busy(Refused):
    """Its writer is at it just now: the next look may have it."""


def patient(look: Callable[[], T], seconds: float = 30.0) -> T:
    """What a look gives, once no writer is in its way."""
    end = time.monotonic() + seconds
    while True:
        try:
            return look()
        except Busy:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)


def beside(path: Path, end: str) -> Path:
    """The file that SQLite keeps beside a database: -wal, -shm or -journal."""
    return path.with_name(path.name + end)


def way(path: Path) -> Way:
    """How it can be read: with its writer, as it lies, or from a private copy.

    A log without its index would have the index made; a journal would be rolled back.
    """
    while (age := _age(beside(path, "-journal"))) is not None:
        if _is_being_written(path):
            return "shared"
        if age > DEAD_SECONDS:
            return "copy"
        time.sleep(0.02)
    if beside(path, "-wal").exists():
        return "shared" if beside(path, "-shm").exists() else "copy"
    with path.open("rb") as file:
        is_wal = WAL_VERSION in file.read(20)[18:20]
    return "immutable" if is_wal else "shared"


def _age(file: Path) -> float | None:
    try:
        return time.time() - file.stat().st_mtime
    except FileNotFoundError:
        return None


def _is_being_written(path: Path) -> bool:
    """Whether its journal belongs to a writer that lives: SQLite would not roll it back."""
    address = f"file:{quote(str(path.resolve()))}?mode=ro"
    try:
        with closing(sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS)) as db:
            db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error:
        return False
    return True


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """One read transaction over the file; what is read is what was there at one moment."""
    how = way(path)
    before = stamp(path)
    with tempfile.TemporaryDirectory(prefix="abode-legacy-") as room:
        place = _copy(path, Path(room)) if how == "copy" else path.resolve()
        option = {"shared": "&readonly_shm=1", "immutable": "&immutable=1", "copy": ""}[how]
        mode = "rw" if how == "copy" else "ro"
        address = f"file:{quote(str(place))}?mode={mode}{option}"
        try:
            db = sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS, isolation_level=None)
        except sqlite3.Error as error:
            raise Refused(f"{path}: {error}", "may this user read it?") from error
        try:
            db.text_factory = as_text
            db.execute("PRAGMA query_only = 1")
            db.execute("BEGIN")
            yield db
        except sqlite3.OperationalError as error:
            raise Busy(f"{path}: {error}", "is it being written? run it again") from error
        except sqlite3.DatabaseError as error:
            raise Diverged(f"{path}: {error}", "it is damaged: keep it, and ask a human") from error
        finally:
            db.close()
    # Without locks a writer that came meanwhile may have been read half.
    if how != "shared" and stamp(path) != before:
        raise Busy(f"{path}: a writer came while it was read", "run it again")


def as_text(told: bytes) -> str:
    """What is not UTF-8 stays to be named, and to be looked for."""
    return told.decode(errors="surrogateescape")


def _copy(path: Path, room: Path) -> Path:
    for end in ("", "-wal", "-journal"):
        if beside(path, end).exists():
            shutil.copyfile(beside(path, end), room / f"old{end}")
    return room / "old"


def stamp(path: Path) -> tuple[object, ...]:
    """What changes when somebody writes."""
    found: list[object] = []
    for end in ("", "-wal", "-journal"):
        try:
            seen = beside(path, end).stat()
        except FileNotFoundError:
            found.append(None)
        else:
            found.append((seen.st_size, seen.st_mtime_ns))
    return tuple(found)
