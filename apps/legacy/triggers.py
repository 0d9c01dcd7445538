"""Triggers in the old database that write down what changed, where the operator allows them.

The one thing that abode ever writes into an old file. They are plain SQL, so that the old server
needs nothing for them; what an event was is kept literally, since its id here was made of it.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from apps.legacy.keyset import hashed
from apps.legacy.source import BUSY_SECONDS, opened
from apps.legacy.units import EVENTS, Followed, is_unit
from schemas.errors import Refused

TABLE: Final = "abode_changes"
FENCE: Final = "abode_fence_"
"""How triggers are called that refuse every write (``apps.legacy.fence``)."""
AT_ONCE: Final = 1_000
"""Changes that one pass takes."""
NOW: Final = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
Old = tuple[Any, ...]


class Changes(NamedTuple):
    """What was written down after a place, and how much there is still."""

    units: dict[str, set[str]]
    """By table."""
    olds: dict[str, list[Old]]
    """What events were, by table; values of all columns in order."""
    last: int
    more: int


def install(path: Path, tables: Sequence[Followed]) -> bool:
    """Make what is lacking, in one short write; gives whether anything was."""
    with opened(path) as db:
        names = {name for (name,) in db.execute("SELECT name FROM sqlite_master")}
    wanted = [(name, text) for each in tables for name, text in _triggers(each)]
    lacking = [text for name, text in wanted if name not in names]
    if not lacking and TABLE in names:
        return False
    with written(path) as db:
        db.execute("BEGIN IMMEDIATE")
        db.execute(f"CREATE TABLE IF NOT EXISTS {TABLE} (seq INTEGER PRIMARY KEY AUTOINCREMENT,"
                   " part TEXT NOT NULL, unit TEXT, old TEXT, at TEXT NOT NULL)")  # fmt: skip
        for text in lacking:
            db.execute(text)
        db.execute("COMMIT")
    return True


def installed(path: Path) -> bool:
    """Whether the old database writes down what changes."""
    with opened(path) as db:
        return bool(db.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (TABLE,)).fetchone())


def remove(path: Path) -> bool:
    """Take all of it away again; gives whether anything was there."""
    with written(path) as db:
        found = db.execute(
            "SELECT type, name FROM sqlite_master WHERE name = ? OR type = 'trigger'"
            " AND name LIKE 'abode\\_%' ESCAPE '\\' AND substr(name, 1, ?) <> ?"
            " ORDER BY type DESC",
            (TABLE, len(FENCE), FENCE),
        ).fetchall()
        db.execute("BEGIN IMMEDIATE")
        for kind, name in found:
            db.execute(f'DROP {kind} "{name}"')
        db.execute("COMMIT")
    return bool(found)


def last(path: Path) -> int:
    """The number of the newest change."""
    with opened(path) as db:
        query = f"SELECT coalesce(max(seq), 0) FROM {TABLE}"  # noqa: S608  # a name of ours
        return int(db.execute(query).fetchone()[0])


def read(path: Path, tables: Sequence[Followed], after: int) -> Changes:
    """The next ones, in order; the old server waits for no more than this read."""
    with opened(path) as db:
        rows = db.execute(
            f"SELECT seq, part, unit, old FROM {TABLE} WHERE seq > ? ORDER BY seq LIMIT ?",  # noqa: S608  # a name of ours
            (after, AT_ONCE),
        ).fetchall()
        upto = int(rows[-1][0]) if rows else after
        more = db.execute(f"SELECT count(*) FROM {TABLE} WHERE seq > ?", (upto,)).fetchone()[0]  # noqa: S608  # a name of ours
    known = {table.name: table for table in tables}
    units: dict[str, set[str]] = {}
    olds: dict[str, list[Old]] = {}
    with closing(sqlite3.connect(":memory:")) as literal:
        for _, part, unit, old in rows:
            if part not in known or not is_unit(unit):
                continue
            table = known[part]
            told = hashed(unit) if table.column in table.secrets else str(unit)
            units.setdefault(part, set()).add(told)
            if old is not None:
                olds.setdefault(part, []).append(
                    literal.execute(f"SELECT {old}").fetchone()
                )  # as quote() wrote it
    return Changes(units, olds, upto, int(more))


def _triggers(table: Followed) -> Iterator[tuple[str, str]]:
    """Names and texts."""
    name, column = table.name, f'"{table.column}"'
    if name in EVENTS:
        old = " || ', ' || ".join(f'quote(OLD."{each}")' for each in ordered(table))
        yield _one(table, "u", "AFTER UPDATE", f"SELECT '{name}', OLD.{column}, {old}, {NOW}")
        yield _one(table, "d", "AFTER DELETE", f"SELECT '{name}', OLD.{column}, {old}, {NOW}")
        # A REPLACE takes the row that was there without a word.
        there = old.replace("OLD.", "o.")
        by_hash = " OR o.raw_hash = NEW.raw_hash" if "raw_hash" in table.there else ""
        select = f"SELECT '{name}', o.{column}, {there}, {NOW}"
        of = f' FROM "{name}" AS o WHERE o.{column} = NEW.{column}{by_hash}'
        yield _one(table, "r", "BEFORE INSERT", select + of)
        return
    told = {row: f"SELECT '{name}', {row}.{column}, NULL, {NOW}" for row in ("OLD", "NEW")}
    moved = f"{told['NEW']} WHERE NEW.{column} IS NOT OLD.{column}"
    yield _one(table, "i", "AFTER INSERT", told["NEW"])
    yield _one(table, "u", "AFTER UPDATE", f"{told['OLD']} UNION ALL {moved}")
    yield _one(table, "d", "AFTER DELETE", told["OLD"])


def ordered(table: Followed) -> list[str]:
    """Columns of an event, in the order of the mapping."""
    return [take.old for take in table.old.takes if take.old in table.there]


def _one(table: Followed, end: str, when: str, select: str) -> tuple[str, str]:
    name = f"abode_{table.name}_{end}"
    text = (
        f'CREATE TRIGGER "{name}" {when} ON "{table.name}" BEGIN'
        f" INSERT INTO {TABLE} (part, unit, old, at) {select}; END"
    )
    return name, text


@contextmanager
def written(path: Path) -> Iterator[sqlite3.Connection]:
    """The old file, to write into it; what SQLite refuses is one of our errors."""
    try:
        with closing(sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)) as db:
            yield db
    except sqlite3.Error as error:
        raise Refused(f"{path}: {error}", "it is as it was: run it again") from error
