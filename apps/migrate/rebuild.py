"""What an adopted file must look like, built anew: for whoever compares."""

import sqlite3
from contextlib import closing

from apps.migrate.columns import SQL
from apps.migrate.lines import Line
from apps.migrate.survey import Schema, schema


def is_adopted(db: sqlite3.Connection) -> bool:
    """Whether a file was taken over from somebody else."""
    return bool(db.execute(SQL["is_adopted"]).fetchone()[0])


def rebuild(line: Line, db: sqlite3.Connection, anew: sqlite3.Connection) -> None:
    """Make in ``anew``, an empty file, what adoption accepted in ``db`` and the line made since.

    A migration that was rolled back and applied again is the line's own from then on.
    """
    said = dict(tuple(row) for row in db.execute(SQL["ways"]))
    ours = made(line)
    own = {
        name
        for migration, objects in ours.items()
        for kind, name, _, _ in objects
        if kind == "table" and said.get(migration) != "adopt"
    }
    for kind, name, table, sql in db.execute(SQL["accepted"]):
        if kind == "setting":
            anew.execute(f"PRAGMA {name} = {int(sql)}")
        elif table not in own:
            anew.execute(sql)
    for migration in line.migrations():
        if said.get(migration) == "adopt":
            there = {name for _, name, _, _ in schema(anew)}
            for kind, name, _, sql in ours[migration]:
                if kind == "index" and name not in there:
                    anew.execute(sql)
        elif said.get(migration) == "apply":
            anew.executescript(line.sql(migration))


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
