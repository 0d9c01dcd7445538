"""What an adopted file must look like, built anew: for whoever compares."""

import hashlib
import json
import sqlite3
from contextlib import closing

from apps.migrate.columns import SQL
from apps.migrate.lines import Line
from apps.migrate.survey import Schema, schema
from schemas.errors import Diverged


def is_adopted(db: sqlite3.Connection) -> bool:
    """Whether a file was taken over from somebody else."""
    return bool(db.execute(SQL["is_adopted"]).fetchone()[0])


def rebuild(line: Line, db: sqlite3.Connection, anew: sqlite3.Connection) -> None:
    """Make in ``anew``, an empty file, what adoption accepted in ``db`` and the line made since.

    A migration that was rolled back and applied again is the line's own from then on. For the
    line's tables the ledger vouches: a record edited since is Diverged. For foreign ones the
    record is all there is.
    """
    ours = made(line)
    ways = _ways(db, ours)
    makers = {
        name: migration
        for migration in reversed(line.migrations())
        for kind, name, _, _ in ours[migration]
        if kind == "table"
    }
    for kind, name, table, sql, _ in db.execute(SQL["accepted"]):
        if kind == "setting":
            anew.execute(f"PRAGMA {name} = {int(sql)}")
        elif table not in makers or ways.get(makers[table]) == "adopt":
            anew.execute(sql)
    for migration in line.migrations():
        if ways.get(migration) == "adopt":
            there = {name for _, name, _, _ in schema(anew)}
            for kind, name, _, sql in ours[migration]:
                if kind == "index" and name not in there:
                    anew.execute(sql)
        elif ways.get(migration) == "apply":
            anew.executescript(line.sql(migration))


def _ways(db: sqlite3.Connection, ours: dict[str, Schema]) -> dict[str, str]:
    """How each migration came to be applied, once the record is seen to be the ledger's."""
    ways: dict[str, str] = {}
    for migration, way, accepted in db.execute(SQL["ways"]):
        ways[migration] = way
        if way == "adopt" and digest(db, ours.get(migration, [])) != accepted:
            raise Diverged(
                f"_abode_adopted: is not what was accepted of {migration}",
                hint="compare with the copy from before adoption, beside the file",
            )
    return ways


def digest(db: sqlite3.Connection, objects: Schema) -> str:
    """SHA-256 of what the record says of the tables among these, of their indexes and zones."""
    tables = {name for kind, name, _, _ in objects if kind == "table"}
    rows = [tuple(row) for row in db.execute(SQL["accepted"]) if row[2] in tables]
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def made(line: Line) -> dict[str, Schema]:
    """By migration: the objects that it makes or makes otherwise."""
    found: dict[str, Schema] = {}
    with closing(sqlite3.connect(":memory:")) as db:
        known: Schema = []
        for migration in line.migrations():
            db.executescript(line.sql(migration))
            found[migration] = [row for row in schema(db) if row not in known]
            known = schema(db)
    return found
