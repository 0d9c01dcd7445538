import subprocess
import sys
from pathlib import Path

import pytest

from apps.migrate.lines import Line
from tests.unit.migrate.february import build

ROOT = Path(__file__).parents[3]
FILES = {
    "0001.create-cups.sql": "-- ensure: SELECT count(*) = 1 FROM pragma_table_info('cups')"
    " WHERE name = 'name'\nCREATE TABLE cups (id INTEGER PRIMARY KEY, name TEXT);",
    "0001.create-cups.rollback.sql": "-- lossy: every cup\nDROP TABLE cups;",
    "0002.add-handle.sql": "-- depends: 0001.create-cups\n"
    "-- ensure: SELECT count(*) = 1 FROM pragma_table_info('cups') WHERE name = 'handle'\n"
    "ALTER TABLE cups ADD COLUMN handle TEXT;\nCREATE INDEX cups_handle_idx ON cups (handle);",
    "0002.add-handle.rollback.sql": "-- lossy: every handle\nDROP INDEX cups_handle_idx;\n"
    "ALTER TABLE cups DROP COLUMN handle;",
}


@pytest.fixture
def tiny(tmp_path):
    """A line of two migrations for SQLite."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    for name, sql in FILES.items():
        (folder / name).write_text(sql)
    return Line("tiny", "sqlite", folder)


@pytest.fixture
def old(tmp_path):
    """A small anima.db of February."""
    build(tmp_path / "anima.db", rows=9_000)
    return tmp_path / "anima.db"


@pytest.fixture
def database(tmp_path):
    """Where the database of this test will be."""
    home = tmp_path / "home"
    home.mkdir()
    return str(home / "tiny.db")


@pytest.fixture
def start():
    """Start an applier in a process of its own."""
    script = Path(__file__).with_name("applier.py")
    started = []

    def _start(line, database, *more):
        process = subprocess.Popen(
            [sys.executable, script, line.engine, line.folder, *more],
            cwd=ROOT,
            env={"DATABASE": database, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield _start
    for process in started:
        process.kill()
        process.communicate()
