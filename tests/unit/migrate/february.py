"""An anima.db as the real system made it in February 2026, and what a test asks of it."""

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

from apps.migrate.lines import line

FEBRUARY = Path(__file__).with_name("february.sql").read_text()
ROOT = Path(__file__).parents[3]
ZONE = "America/Denver"
LUMEN = "49e14444-b59e-48f1-83b8-000000000001"
ANIMA = line("anima")
ABSENT = tuple(i for i in ANIMA.migrations() if i == "0004.create-outbox" or i > "0009")
"""What the real system had nothing of."""


def build(file, rows=20_000, sensors=10):
    """A February file."""
    with closing(sqlite3.connect(file, isolation_level=None)) as db:
        db.executescript(FEBRUARY.replace(":rows", str(rows)).replace(":sensors", str(sensors)))


def ask(file, sql, *values):
    """What the plain driver reads."""
    with closing(sqlite3.connect(file)) as db:
        return db.execute(sql, values).fetchall()


def change(file, sql):
    """What somebody did by hand."""
    with closing(sqlite3.connect(file)) as db:
        db.executescript(sql)


def contents(file, columns=None):
    """A digest of every row of every table; of these columns, if they are said."""
    columns = columns or {
        table: [name for _, name, *_ in ask(file, f"PRAGMA table_info({table})")]
        for (table,) in ask(file, "SELECT name FROM sqlite_schema WHERE type = 'table'")
        if not table.startswith("sqlite_")
    }
    digests = {}
    with closing(sqlite3.connect(file)) as db:
        db.text_factory = bytes
        for table, names in columns.items():
            sha = hashlib.sha256()
            said = ", ".join(f'typeof("{name}"), "{name}"' for name in names)
            for row in db.execute(f"SELECT rowid, {said} FROM {table} ORDER BY rowid"):
                sha.update(repr(row).encode())
            digests[table] = sha.hexdigest()
    return columns, digests


def beside(file):
    """Names and bytes of the database and of what lies beside it."""
    return {each.name: each.read_bytes() for each in file.parent.iterdir()}
