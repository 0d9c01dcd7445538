"""Bring one table of an old SQLite file over, piece by piece."""

import sqlite3
from pathlib import Path
from typing import Any, Final, NamedTuple, get_args

from apps.legacy import keyset
from apps.legacy.database import known
from apps.legacy.ledger import Db, Position
from apps.legacy.source import opened
from apps.legacy.stage import Stage
from apps.legacy.work import Work
from apps.queries import load
from schemas.errors import Refused
from schemas.governance.calls.knowledge import TAGS, Tag
from schemas.governance.knowledge import Response
from schemas.governance.tables import Status
from schemas.legacy.shape import OldTable
from schemas.legacy.tables import TABLES

MERGES: Final = Path(__file__).with_name("merge")
SQL: Final = load(Path(__file__).with_name("staged.sql"))
WORDS: Final[dict[str, Any]] = {
    "statuses": [each.value for each in Status],
    "responses": [each.value for each in Response],
    "tags": TAGS,
    "tag_length": get_args(Tag)[1].max_length,
}
"""What may be said, as the declarations have it."""


class Step(NamedTuple):
    """One pass over an old table."""

    table: str
    merge: str
    """The file of its checks and merges."""
    column: str = ""
    """When the pass is for one column, after all rows are there."""
    looks: tuple[str, ...] = ()
    """Columns without a place that the checks look at."""
    graph: bool = False
    """Whether the graph repeats its rows."""

    @property
    def part(self) -> str:
        """How its position and rejects are called."""
        return f"{self.table}.{self.column}" if self.column else self.table


def table_of(path: Path, name: str) -> OldTable:
    """Which of the declared tables a file has under a name."""
    with opened(path) as file:
        return table_in(file, path, name)


def table_in(db: sqlite3.Connection, path: Path, name: str) -> OldTable:
    """The same of a file that is open: opened twice, a writer between keeps both waiting."""
    old = known(name, frozenset(keyset.columns(db, name)))
    if old is None:
        raise Refused(f"{path}: table {name!r} is another than it was", "run it again")
    return old


def union(name: str) -> OldTable:
    """A table with the columns of all that had its name."""
    same = [table for table in TABLES if table.name == name]
    takes = {take.old: take for table in reversed(same) for take in table.takes}
    return same[0]._replace(takes=tuple(takes.values()))


def bring(work: Work, step: Step) -> None:
    """From where it was left to its end; each piece is a transaction, with its position."""
    queries = load(MERGES / f"{step.merge}.sql")
    db, at = work.db, work.at
    old = table_of(work.path, step.table)
    if step.column:
        kept = {*old.key, step.column}
        old = old._replace(takes=tuple(take for take in old.takes if take.old in kept))
    with opened(work.path) as file:
        there = keyset.columns(file, old.name)
        stage = Stage(old, there, work.clock, step.looks, union(old.name).takes)
        stage.make(db)
        for piece in keyset.pieces(file, work.source(old.name), stage.wanted, stage.key, at.after):
            with db.transaction():
                db.execute(SQL["empty"])
                stage.fill(db, piece.rows)
                at.after = piece.after or at.after
                before = at.taken
                merge(db, queries, at, renews=work.renews)
                if step.graph:
                    work.graph_lacks(at.taken - before)
                work.moved(len(piece.rows))
            work.say(len(piece.rows))


def merge(db: Db, queries: dict[str, str], at: Position, *, renews: bool = False) -> None:
    """What is staged into its place; what has none is rejected."""
    for name, query in queries.items():
        if name.startswith("check"):
            db.execute(query, WORDS)
    at.reject(db, db.execute(SQL["rejected"]).fetchall())
    if "columns" in queries:
        for column, key, reason in db.execute(queries["columns"]).fetchall():
            at.reject(db, [(key, reason)], column)
    if at.resumed:
        db.execute(SQL["had_been_rejected"], {"file": at.file, "part": at.part})
    if renews and "renew" in queries:
        at.taken += db.execute(queries["renew"], WORDS).rowcount
    for name, query in queries.items():
        if name.startswith(("merge", "then")):
            rows = db.execute(query, WORDS).rowcount
            at.taken += rows if name.startswith("merge") else 0
