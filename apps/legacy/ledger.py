"""How far each part of the old files is brought over, and what of it was not taken."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb

from apps.queries import load
from schemas.errors import Refused

SQL = load(Path(__file__).with_name("ledger.sql"))
Db = Connection[TupleRow]
PARTING_SECONDS = 2.0
Rejects = list[tuple[str, str]]
"""Keys and reasons."""


@dataclass
class Position:
    """A part of a file, how far it is read and what came of it."""

    file: str
    part: str
    after: list[Any] | None = None
    head: str | None = None
    read: int = 0
    taken: int = 0
    rejected: int = 0
    folds: int = 0
    gaps: int = 0
    finished: bool = False
    done: bool = False
    """In this run."""
    resumed: bool = False

    def move(self, db: Db) -> None:
        """Keep it, in the caller's transaction."""
        values = {**vars(self), "after": None if self.after is None else Jsonb(self.after)}
        db.execute(SQL["move"], values)

    def reject(self, db: Db, rejects: Rejects, column: str = "") -> None:
        """Keep what is not taken, of the part or of one column of it."""
        if not rejects:
            return
        keys, reasons = ([clean(each[i]) for each in rejects] for i in (0, 1))
        part = f"{self.part}.{column}" if column else self.part
        db.execute(
            SQL["reject"], {"file": self.file, "part": part, "keys": keys, "reasons": reasons}
        )
        if not column:
            self.rejected += len(rejects)

    def forget(self, db: Db, key: str | None = None) -> int:
        """What was rejected and is read again: all of it, or one row. Gives how much it was."""
        given = {"file": self.file, "part": self.part, "key": key}
        return db.execute(SQL["forget"], given).rowcount


def clean(told: str) -> str:
    """A text that any column can hold, for the eye."""
    return told.replace("\0", "\\0").encode(errors="replace").decode()


def is_alone(db: Db, seconds: float = PARTING_SECONDS) -> bool:
    """Whether nobody else brings anything over, from now to the end of the connection.

    Postgres sees a moment late that whoever did has left, or was killed.
    """
    end = time.monotonic() + seconds
    while not (db.execute(SQL["only_one"]).fetchone() or (False,))[0]:
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def begin(db: Db, directory: str, zone: str) -> None:
    """A directory has one zone for good, and there is one backfill at a time."""
    if not is_alone(db):
        raise Refused("backfill: another one runs", "wait for it")
    db.execute(SQL["begin_run"], {"directory": directory, "zone": zone})
    db.execute(SQL["begin_again"], {"directory": directory, "zone": zone})
    row = db.execute(SQL["run"], {"directory": directory}).fetchone()
    if row is None or row[0] != zone:
        known = row[0] if row else "nothing"
        raise Refused(f"--zone: {zone!r}, but {directory} was begun with {known!r}",
                      "times would come twice")  # fmt: skip


def position(db: Db, directory: str, file: str, part: str) -> Position:
    """Where a part was left; from the start when it was never begun."""
    given = {"directory": directory, "file": file, "part": part}
    row = db.execute(SQL["position"], given).fetchone()
    if row is None:
        return Position(file, part)
    known = Position(file, part, *row)
    known.resumed = True
    return known


def rejected(db: Db, files: Sequence[str]) -> int:
    """How much of these files is not taken."""
    row = db.execute(SQL["count_rejected"], {"files": list(files), "part": None}).fetchone()
    return int(row[0]) if row else 0


def end(db: Db, directory: str) -> None:
    """All is brought over: the next run is another one."""
    with db.transaction():
        db.execute(SQL["wait_for_disk"])
        db.execute(SQL["end_run"], {"directory": directory})
