"""``make bench-memory``: an agent's sealed file beside plain SQLite and beside SQLCipher.

SQLCipher comes from PyPI for the length of the run. ABODE_MEMORIES is how many there are (5,000),
ABODE_RUNS how often each is measured (3); each figure is the median.
"""

import importlib
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from apps.soulfra.memory.database import LINE
from apps.soulfra.memory.file import MemoryFile
from apps.soulfra.memory.told import Asked, Remembered

MEMORIES: Final = int(os.environ.get("ABODE_MEMORIES") or 5_000)
RUNS: Final = int(os.environ.get("ABODE_RUNS") or 3)
SQLCIPHER: Final = "sqlcipher3==0.6.4"
KEY: Final = b"k" * 32
NOON: Final = datetime(2026, 11, 29, 12, tzinfo=UTC)
TEXT: Final = "it rained, and the oracle said that it would rain again " * 6
INSERT: Final = "INSERT INTO memories (timestamp, type, content, significance) VALUES (?, ?, ?, ?)"
SELECT: Final = (
    "SELECT id, timestamp, type, content, significance FROM memories"
    " ORDER BY timestamp DESC, id DESC LIMIT 1000"
)


class Ours:
    """As the process uses it."""

    def __init__(self, folder: Path) -> None:
        self._file = MemoryFile(folder / "oracle", "oracle", KEY)
        self.close = self._file.close

    def remember(self, n: int) -> None:
        """One commit."""
        at = NOON + timedelta(seconds=n)
        self._file.remember(Remembered(timestamp=at, type="whisper", content=TEXT))

    def recall(self) -> int:
        """The newest thousand."""
        return len(self._file.recall(Asked(limit=1_000)))


class Theirs:
    """The same table in another SQLite, its pragmas as ours."""

    def __init__(self, module: Any, folder: Path, key: bytes | None) -> None:
        self._db = module.connect(folder / "memory.sqlite", isolation_level=None)
        if key is not None:
            self._db.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        if not self._db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
            self._db.executescript(LINE.sql(LINE.migrations()[0]))
        self.close = self._db.close

    def remember(self, n: int) -> None:
        """One commit."""
        at = (NOON + timedelta(seconds=n)).isoformat(timespec="microseconds")
        self._db.execute(INSERT, (at, "whisper", TEXT.encode(), 0.5))

    def recall(self) -> int:
        """The newest thousand."""
        return len(self._db.execute(SELECT).fetchall())


def main() -> int:
    """Measure and print."""
    table = Table("what", "open, ms", "commits/s", "1,000 recalled, ms", "MB")
    with _sqlcipher() as sqlcipher:
        kinds: dict[str, Callable[[Path], Any]] = {
            "sealed columns (ours)": Ours,
            "SQLCipher, raw key": lambda folder: Theirs(sqlcipher, folder, KEY),
            "plain SQLite": lambda folder: Theirs(sqlite3, folder, None),
        }
        found: dict[str, list[tuple[float, ...]]] = {name: [] for name in kinds}
        for _ in range(RUNS):
            for name, kind in kinds.items():
                with tempfile.TemporaryDirectory() as folder:
                    found[name].append(_measured(kind, Path(folder)))
    for name, runs in found.items():
        middle = [statistics.median(column) for column in zip(*runs, strict=True)]
        table.add_row(name, *(f"{value:,.1f}" for value in middle))
    Console().print(table)
    return 0


def _measured(kind: Callable[[Path], Any], folder: Path) -> tuple[float, ...]:
    with closing(kind(folder)) as made:
        began = time.perf_counter()
        for n in range(MEMORIES):
            made.remember(n)
        commits = MEMORIES / (time.perf_counter() - began)
    opens = []
    for _ in range(20):
        began = time.perf_counter()
        with closing(kind(folder)) as made:
            made.recall()
            opens.append(time.perf_counter() - began)
    with closing(kind(folder)) as made:
        recalls = []
        for _ in range(20):
            began = time.perf_counter()
            made.recall()
            recalls.append(time.perf_counter() - began)
    recall = statistics.median(recalls)
    size = sum(path.stat().st_size for path in folder.rglob("*.sqlite"))
    opened = statistics.median(opens) - recall
    return opened * 1000, commits, recall * 1000, size / 1e6


@contextmanager
def _sqlcipher() -> Iterator[Any]:
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", folder]
        subprocess.run([*words, SQLCIPHER], check=True)
        sys.path.insert(0, folder)
        try:
            yield importlib.import_module("sqlcipher3.dbapi2")
        finally:
            sys.path.remove(folder)


if __name__ == "__main__":
    sys.exit(main())
