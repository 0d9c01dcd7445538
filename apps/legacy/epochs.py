"""Who is the writer: each cutover and rollback, how far it came, and what it proved."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from psycopg.types.json import Jsonb

from apps.legacy.ledger import Db
from apps.queries import load
from schemas.errors import Refused
from schemas.governance.cutover import Side, Turn

SQL: Final = load(Path(__file__).with_name("epochs.sql"))


class Over(Refused):
    """What comes from the old files is over, or is about to be."""


class Writer(NamedTuple):
    """Who is it, and since which epoch; 0 before any."""

    side: Side
    epoch: int = 0
    since: datetime | None = None


class Open(NamedTuple):
    """An epoch that is not over."""

    epoch: int
    kind: Turn
    turned_at: datetime | None


def writer(db: Db, directory: str) -> Writer:
    """Of a directory and its part of the house."""
    row = db.execute(SQL["writer"], {"directory": directory}).fetchone()
    if row is None:
        return Writer(Side.OLD)
    side = Side.NEW if row[1] == Turn.CUTOVER else Side.OLD
    return Writer(side, row[0], row[2])


def unfinished(db: Db, directory: str) -> Open | None:
    """The epoch that goes on."""
    row = db.execute(SQL["unfinished"], {"directory": directory}).fetchone()
    return None if row is None else Open(row[0], Turn(row[1]), *row[2:])


def begin(db: Db, directory: str, kind: Turn) -> Open:
    """A new one."""
    row = db.execute(SQL["begin"], {"directory": directory, "kind": kind.value}).fetchone()
    return Open(int(row[0]) if row else 0, kind, None)


def fenced(db: Db, epoch: int, modes: dict[str, int]) -> None:
    """The old files are closed; modes that were noted before stay."""
    db.execute(SQL["fenced"], {"epoch": epoch, "modes": Jsonb(modes)})


def modes(db: Db, directory: str) -> dict[str, int]:
    """What the files of lines had before they were closed."""
    row = db.execute(SQL["fence"], {"directory": directory}).fetchone()
    return dict(row[0]) if row else {}


def refuse(db: Db, epoch: int, why: str) -> None:
    """It is over, and changed nothing."""
    db.execute(SQL["refuse"], {"epoch": epoch, "why": why})


def finish(db: Db, epoch: int, archive: str | None) -> None:
    """Nothing of it is left to do."""
    db.execute(SQL["finish"], {"epoch": epoch, "archive": archive})


def switch(
    db: Db, directory: str, epoch: int, side: Side, proof: tuple[int, bytes] | None = None
) -> None:
    """The writer and every reader, in the caller's transaction; proven by rows and their sum."""
    given: dict[str, Any] = {"directory": directory, "epoch": epoch, "side": side.value}
    compared, digest = proof or (None, None)
    db.execute(SQL["prove"], {**given, "compared": compared, "sha256": digest})
    db.execute(SQL["switch_all"], given)


def unclean(
    db: Db, directory: str, readers: Sequence[str], window_seconds: float
) -> list[tuple[str, str]]:
    """Readers whose answers have not been equal for so long, and why."""
    given = {"directory": directory, "readers": list(readers), "window": window_seconds}
    return db.execute(SQL["unclean"], given).fetchall()


def old_is_writer(db: Db, directory: str) -> None:
    """Refused when the house is, or is becoming it: what comes from the old files is over."""
    now = writer(db, directory)
    if now.side is Side.NEW:
        raise Over(
            f"{directory}: the house is the writer since {now.since:%Y-%m-%d %H:%M:%SZ}",
            "abode legacy rollback gives it back",
        )
    if going := unfinished(db, directory):
        raise Over(f"{directory}: a {going.kind.value} is not over",
                   f"abode legacy {going.kind.value} goes on with it")  # fmt: skip
