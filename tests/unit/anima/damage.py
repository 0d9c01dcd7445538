"""A file of the creature that is asked and spoilt behind its back."""

import os
import sqlite3
from contextlib import closing


def ask(path, sql):
    """The rows that a query gives."""
    db = sqlite3.connect(path)
    rows = db.execute(sql).fetchall()
    db.close()
    return rows


def root(path, table):
    """The page that a table begins with."""
    return ask(path, f"SELECT rootpage FROM sqlite_schema WHERE name = '{table}'")[0][0]


def spoil(path, page, what=None):
    """Write noise, or something, over a page."""
    content = bytearray(path.read_bytes())
    content[(page - 1) * 4096 : page * 4096] = what or os.urandom(4096)
    path.write_bytes(content)


def change(path, statement):
    """Somebody's hand, beside the house."""
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(statement)
