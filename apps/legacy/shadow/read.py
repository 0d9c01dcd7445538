"""One question, answered by the side that its reader is on, and never staler than its asking.

While the old server writes, the house answers only what a pass has brought that began after the
question; a side that changes meanwhile is asked again.
"""

import time
from pathlib import Path
from typing import Final, Literal, NamedTuple

from apps.legacy import epochs
from apps.legacy.backfill import connected
from apps.legacy.ledger import Db
from apps.legacy.shadow import readers
from apps.legacy.shadow.readers import Asked
from apps.legacy.shadow.shadow import SQL
from schemas.errors import Diverged, Refused, Unreachable
from schemas.governance.cutover import Side
from schemas.legacy.readers import Reader
from schemas.quantity import Closed

WAIT_SECONDS: Final = 30.0


class Answer(Closed):
    """What ``abode legacy read`` says: its contract with programs."""

    contract: Literal[1] = 1
    reader: str
    asked: Asked
    side: Side
    epoch: int
    """The last that was proven; 0 before any."""
    columns: list[str]
    rows: list[list[str | None]]
    """As canonical text: instants in UTC, JSON with its keys sorted."""


class Where(NamedTuple):
    """Which side answers, and whether the other one writes."""

    side: Side
    epoch: int
    writer: Side


def read(database: str, directory: Path, name: str, asked: Asked) -> Answer:
    """One answer; Refused for a reader that is not known here."""
    with connected(database) as db:
        return answer(db, directory, name, asked)


def answer(db: Db, directory: Path, name: str, asked: Asked) -> Answer:
    """By one connection."""
    where = str(directory.resolve())
    reader = readers.BY_NAME.get(name)
    if reader is None:
        raise Refused(f"{name}: is no reader", f"they are {', '.join(readers.BY_NAME)}")
    row = db.execute(SQL["zone"], {"directory": where}).fetchone()
    if row is None:
        raise Refused(f"{where}: was never brought over", "abode legacy backfill")
    while True:
        at = _where(db, where, reader)
        if at.side is Side.NEW:
            if at.writer is Side.OLD:
                _wait(db, where)
            found = readers.ask_new(db, reader, asked, row[0])
        else:
            place = readers.places(directory).get(name)
            if place is None:
                raise Refused(f"{name}: the old files have no {reader.table}", "inspect names them")
            found = readers.ask_old(place, asked, row[0])
        if _where(db, where, reader) == at:
            rows = [list(each) for each in found.told]
            return Answer(reader=name, asked=asked, side=at.side, epoch=at.epoch,
                          columns=list(reader.columns), rows=rows)  # fmt: skip


def switch(database: str, directory: Path, name: str, side: Side, window_seconds: float) -> None:
    """One reader to the other side: to the house only when it is clean, back at any time."""
    with connected(database) as db:
        where = str(directory.resolve())
        given = {"directory": where, "reader": name, "side": side.value}
        now = epochs.writer(db, where)
        if now.side is Side.NEW:
            raise Refused(
                f"{name}: the house is the writer, and answers all", "abode legacy rollback"
            )
        unclean = epochs.unclean(db, where, [name], window_seconds)
        if side is Side.NEW and unclean:
            raise Diverged(f"{name}: {unclean[0][1]}", "abode legacy shadow")
        if not db.execute(SQL["switch"], given).rowcount:
            raise Refused(f"{name}: nobody asked it here", "abode legacy shadow")


def _where(db: Db, directory: str, reader: Reader) -> Where:
    row = db.execute(SQL["side"], {"directory": directory, "reader": reader.name}).fetchone()
    now = epochs.writer(db, directory)
    return Where(Side(row[0]) if row else now.side, now.epoch, now.side)


def _wait(db: Db, directory: str) -> None:
    """For all that lay in the old files when it was asked."""
    (asked,) = db.execute(epochs.SQL["now"]).fetchone() or (None,)
    end = time.monotonic() + WAIT_SECONDS
    while True:
        (seen,) = db.execute(epochs.SQL["seen_at"], {"directory": directory}).fetchone() or (None,)
        if epochs.writer(db, directory).side is Side.NEW or (seen and asked and seen >= asked):
            return
        if time.monotonic() > end:
            raise Unreachable("the old files are not followed", "abode legacy follow, or shadow")
        time.sleep(0.05)
