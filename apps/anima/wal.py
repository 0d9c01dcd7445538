"""What a write-ahead log still holds when SQLite no longer reads it to its end.

A log may end in a commit that was never finished: a kill or a power cut, and no damage. A damaged
frame is: SQLite stops before it without a word, and every later commit is gone. The frames behind
it are whole pages, so they can be put back. https://www.sqlite.org/fileformat2.html#walformat
"""

import sqlite3
import struct
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import BinaryIO, NamedTuple
from urllib.parse import quote

HEADER_BYTES, FRAME_BYTES = 32, 24
MAGIC = (0x377F0682, 0x377F0683)
"""Checksums over little-endian words, and over big-endian ones."""
HIGHEST_PAGE = 2**18
"""A gigabyte: a number beyond it is damage."""
SHM_LAST_FRAME = slice(16, 20)
"""Where the index beside the log tells the last frame that SQLite takes, in the host's order."""


class Frame(NamedTuple):
    """One page in the log; ``pages`` is the size of the database if it ends a commit, else 0."""

    at: int
    number: int
    page: int
    pages: int


class Log(NamedTuple):
    """The frames of the log's present round, in order, damaged ones among them."""

    frames: list[Frame]
    page_bytes: int
    is_headed: bool
    """Whether its header is as SQLite wrote it; else SQLite reads nothing of it."""

    @property
    def last_commit(self) -> int:
        """The place in ``frames`` behind the last commit."""
        return max((at for at, frame in enumerate(self.frames, 1) if frame.pages), default=0)


def beside(path: Path) -> Path:
    """The log of a database."""
    return path.with_name(f"{path.name}-wal")


def readonly(path: Path) -> sqlite3.Connection:
    """A connection that changes nothing, and sees what is only in the log."""
    return sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, isolation_level=None)


def hidden_commits(path: Path) -> int:
    """Commits that lie behind damage, where SQLite does not look; 0 without a log."""
    try:
        with beside(path).open("rb") as file:
            log = _log(file)
    except FileNotFoundError:
        return 0
    if not log.last_commit:
        return 0
    if not log.is_headed:
        # Or the power went while the next round began: then all of it is in the database.
        return 0 if _is_in(path, log) else sum(1 for frame in log.frames if frame.pages)
    with closing(readonly(path)) as db:
        db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        index = path.with_name(f"{path.name}-shm").read_bytes()[SHM_LAST_FRAME]
    (last,) = struct.unpack("=I", index)
    return sum(1 for frame in log.frames if frame.pages and frame.number > last)


def replay(path: Path, into: Path) -> None:
    """A copy of the database with every page of its log in place, the damaged ones as they are."""
    copy(path, into)
    try:
        file = beside(path).open("rb")
    except FileNotFoundError:
        return
    with file, into.open("r+b") as made:
        log = _log(file)
        taken = log.frames[: log.last_commit]
        for frame in taken:
            made.seek((frame.page - 1) * log.page_bytes)
            made.write(_page(file, frame, log.page_bytes))
        if taken:
            made.truncate(taken[-1].pages * log.page_bytes)


def copy(path: Path, into: Path) -> None:
    """The bytes of a file under another name; shutil would do, but brings three compressors."""
    with path.open("rb") as source, into.open("wb") as target:
        while piece := source.read(2**16):
            target.write(piece)


def _log(file: BinaryIO) -> Log:
    header = file.read(HEADER_BYTES)
    if len(header) < HEADER_BYTES:
        return Log([], 0, is_headed=True)
    magic, _, page_bytes, _, *salts = struct.unpack(">6I", header[:24])
    is_headed = magic in MAGIC and _checksum(header[:24], magic) == header[24:]
    if not is_headed:
        page_bytes = 4096
    raw = list(_raw(file, page_bytes))
    round_ = tuple(salts)
    if not is_headed and raw:
        round_ = Counter(salt for _, salt in raw).most_common(1)[0][0]
    frames = [
        frame if frame.pages < HIGHEST_PAGE else frame._replace(pages=0)
        for frame, salt in raw
        if salt == round_ and 0 < frame.page < HIGHEST_PAGE
    ]
    return Log(frames, page_bytes, is_headed)


def _raw(file: BinaryIO, page_bytes: int) -> Iterator[tuple[Frame, tuple[int, ...]]]:
    size, step = file.seek(0, 2), FRAME_BYTES + page_bytes
    for number, at in enumerate(range(HEADER_BYTES, size - step + 1, step), 1):
        file.seek(at)
        page, pages, *salts = struct.unpack(">4I", file.read(16))
        yield Frame(at, number, page, pages), tuple(salts)


def _page(file: BinaryIO, frame: Frame, page_bytes: int) -> bytes:
    file.seek(frame.at + FRAME_BYTES)
    return file.read(page_bytes)


def _is_in(path: Path, log: Log) -> bool:
    """Whether the database holds the newest page of each in the log."""
    newest = {frame.page: frame for frame in log.frames[: log.last_commit]}
    with beside(path).open("rb") as file, path.open("rb") as database:
        for frame in newest.values():
            database.seek((frame.page - 1) * log.page_bytes)
            if database.read(log.page_bytes) != _page(file, frame, log.page_bytes):
                return False
    return True


def _checksum(data: bytes, magic: int) -> bytes:
    first = second = 0
    words = struct.unpack(f"{'>' if magic & 1 else '<'}{len(data) // 4}I", data)
    for even, odd in zip(words[::2], words[1::2], strict=True):
        first = (first + even + second) & 0xFFFFFFFF
        second = (second + odd + first) & 0xFFFFFFFF
    return struct.pack(">2I", first, second)
