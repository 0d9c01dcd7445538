"""What an old SQLite file holds, told by its tables and their columns."""

import sqlite3
from pathlib import Path

from apps.legacy.seen import Part, Thing
from apps.legacy.source import opened
from schemas.errors import Diverged, Refused
from schemas.legacy.shape import OldTable
from schemas.legacy.tables import CHANGES, KNOWLEDGE, SEARCHES, TABLES

SHADOWS = {f"{name}{end}" for name in SEARCHES for end in
           ("", "_data", "_idx", "_content", "_docsize", "_config")}  # fmt: skip


def known(name: str, columns: frozenset[str]) -> OldTable | None:
    """The declared table that these columns are nearest to, among those of its name."""
    every = (*TABLES, CHANGES)
    same = [table for table in every if table.name == name and table.needed <= columns]
    return min(same, key=lambda table: len(columns ^ table.columns), default=None)


def inspect(path: Path, name: str) -> Thing:
    """Every table with its rows; what is wrong with the file is said, not raised."""
    size = path.stat().st_size
    try:
        with opened(path) as db:
            parts, strange = _tables(db)
    except (Refused, Diverged) as error:
        said = error.message.removeprefix(f"{path}: ")
        return Thing(path=name, kind="sqlite", size_bytes=size, fate="unknown",
                     not_understood=[said])  # fmt: skip
    kind = _kind(parts)
    fate = "moves" if any(part.fate == "moves" for part in parts) else "archived"
    if kind == "sqlite":
        fate = "unknown"
        strange = strange or ["a database without a table that is known"]
    return Thing(path=name, kind=kind, size_bytes=size, fate=fate, parts=parts,
                 not_understood=strange)  # fmt: skip


def _tables(db: sqlite3.Connection) -> tuple[list[Part], list[str]]:
    parts, strange = [], []
    names = db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    for (name,) in names.fetchall():
        if name.startswith("sqlite_") or name in SHADOWS:
            continue
        quoted = '"' + name.replace('"', '""') + '"'
        (rows,) = db.execute(f"SELECT count(*) FROM {quoted}").fetchone()  # noqa: S608  # quoted
        said = db.execute("SELECT name FROM pragma_table_info(?)", (name,))
        columns = frozenset(column for (column,) in said)
        table = known(name, columns)
        if table is None:
            strange.append(f"table {name!r}: {_lacking(name, columns)}")
            parts.append(Part(name=name, rows=rows, fate="unknown"))
            continue
        more = sorted(columns - table.columns)
        strange += [f"table {name!r}: column {column!r} has no place" for column in more]
        parts.append(Part(name=name, variant=table.variant, rows=rows, fate=table.fate,
                          target=table.target, why=table.why))  # fmt: skip
    return parts, strange


def _lacking(name: str, columns: frozenset[str]) -> str:
    same = [table for table in TABLES if table.name == name]
    if not same:
        return "is not known"
    near = min(same, key=lambda table: len(table.needed - columns))
    return f"lacks {', '.join(sorted(near.needed - columns))}"


def _kind(parts: list[Part]) -> str:
    found = {part.name for part in parts if part.variant in {"A", "B"}}
    variants = {part.variant for part in parts if part.variant in {"A", "B"}}
    if not found:
        return "sqlite"
    if found <= KNOWLEDGE:
        return "knowledge.db"
    return f"governance.db {'+'.join(sorted(each for each in variants if each))}"
