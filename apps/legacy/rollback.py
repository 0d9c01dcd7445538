"""The rollback: what the house wrote goes into the old files, and then all change sides at once.

For the last of it whoever writes to the house waits, so that nothing is written behind its back;
who had waited is given back, too, before the old files open. Killed anywhere, it goes on.
"""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import psycopg

from apps.legacy import archive, epochs, fence, ledger
from apps.legacy.back.back import House, give_back
from apps.legacy.backfill import connected
from apps.legacy.epochs import Open
from apps.legacy.follow import live_of
from apps.legacy.inspect import inspect
from apps.legacy.ledger import Db
from apps.legacy.over import Case, Turned, alone, take_back, turned
from apps.legacy.run import Run
from apps.legacy.seen import Inspected
from schemas.errors import Refused
from schemas.governance.cutover import Side, Turn
from schemas.legacy.files import LINES

HOLDS: Final = 5
"""Times that it is tried: a deadlock with who writes is nobody's fault."""
BY_HAND: Final = "taken back by hand"
Give = Callable[[], int]


def rollback(case: Case) -> Turned:
    """To its end, wherever the last one was killed; a cutover that is not proven is only undone."""
    begun, where = time.monotonic(), case.where
    with connected(case.database) as db:
        alone(db, case)
        going = epochs.unfinished(db, where)
        seen = inspect(case.directory, quick=True)
        live = live_of(Run(db, seen, case.zone, lambda _: None, []))
        if going is not None and going.kind is Turn.CUTOVER:
            if going.turned_at is None:
                take_back(db, where, going.epoch, list(live), BY_HAND)
                return Turned(directory=where, epoch=going.epoch, kind=Turn.ROLLBACK,
                              writer=Side.OLD, seconds=time.monotonic() - begun)  # fmt: skip
            epochs.finish(db, going.epoch, str(archive.keep(case.directory, going.epoch)))
            going = None
        now = epochs.writer(db, where)
        if going is None:
            if now.side is Side.OLD:
                if now.epoch:
                    return turned(db, case, now.epoch, begun)
                raise Refused(f"{where}: the old server is the writer", "there is nothing to undo")
            going = epochs.begin(db, where, Turn.ROLLBACK)
        house = House(db, where, _marker(db, where))
        give = partial(give_back, house, live, _lines(seen), case.zone)
        written, closed = _give(db, case, going, give)
        for path in live:
            fence.open_again(path)
        fence.lines_open(epochs.modes(db, where))
        epochs.finish(db, going.epoch, None)
        done = turned(db, case, going.epoch, begun)
        return done.model_copy(update={"written": written, "closed_seconds": closed})


def _give(db: Db, case: Case, going: Open, give: Give) -> tuple[int, float]:
    """Writes into the old files, and for how many seconds the house was held."""
    written, held = 0, time.monotonic()
    if going.turned_at is None:
        case.say("bring back what the house wrote")
        written = give()
        case.say("hold who writes to it, and change sides")
        held = time.monotonic()
        written += _held(db, case.where, going, give)
    with db.transaction():
        db.execute(epochs.SQL["hold"])  # Whoever had waited is through then.
        written += give()
    case.say("open the old files")
    return written, time.monotonic() - held


def _lines(seen: Inspected) -> dict[str, Path]:
    """The file of lines of each kind that the old server appends to: the first by name."""
    kinds = {kind.kind for kind in LINES}
    things = [thing for thing in seen.things if thing.kind in kinds]
    return {thing.kind: Path(seen.directory) / thing.path for thing in reversed(things)}


def _held(db: Db, where: str, going: Open, give: Give) -> int:
    for left in reversed(range(HOLDS)):
        try:
            with db.transaction():
                db.execute(ledger.SQL["wait_for_disk"])
                db.execute(epochs.SQL["hold"])
                written = give()
                epochs.switch(db, where, going.epoch, Side.OLD)
        except (psycopg.errors.DeadlockDetected, psycopg.errors.LockNotAvailable):
            if not left:
                raise
        else:
            return written
    return 0


def _marker(db: Db, where: str) -> str:
    """Of the last proven cutover."""
    row = db.execute(epochs.SQL["marker"], {"directory": where}).fetchone()
    return str(row[0]) if row else "0"
