"""The cutover: the old files are closed, drained and compared, and then all change sides at once.

Every step may be killed: what is done is seen from the two stores, and the command goes on. Until
the one transaction that proves it the old server is the writer, and from it on the house.
"""

import time
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Final, Literal, NamedTuple

from apps.legacy import archive, epochs, fence, ledger, triggers
from apps.legacy.backfill import connected
from apps.legacy.epochs import Open
from apps.legacy.follow import Follower
from apps.legacy.followed import Pass
from apps.legacy.ledger import Db
from apps.legacy.shadow.readers import present
from apps.legacy.source import patient
from apps.legacy.units import LIVE
from apps.legacy.verify.report import Verified
from apps.legacy.verify.verify import verify
from schemas.errors import Diverged, Refused
from schemas.governance.cutover import Side, Turn
from schemas.quantity import Closed

WAIT_SECONDS: Final = 60.0
"""For a follower to see that it is over."""
PASSES: Final = 10
"""After the fence one pass takes all; the next one finds nothing."""
Say = Callable[[str], None]


class Case(NamedTuple):
    """Whose turn it is about."""

    database: str
    directory: Path
    zone: str
    say: Say

    @property
    def where(self) -> str:
        """The directory as the house knows it."""
        return str(self.directory.resolve())


class Asked(NamedTuple):
    """What the operator wants of it."""

    window_seconds: float
    accept_rejected: int
    """So many rows that never came over are known, and are left behind."""


class Turned(Closed):
    """What ``abode legacy cutover`` and ``rollback`` say: their contract with programs."""

    contract: Literal[1] = 1
    directory: str
    epoch: int
    kind: Turn
    writer: Side
    compared: int | None = None
    """Rows that were equal on both sides."""
    sha256: str | None = None
    archive: str | None = None
    """The manifest of the copies."""
    written: int | None = None
    """Of a rollback: writes into the old files."""
    seconds: float
    closed_seconds: float | None = None
    """How long nobody was the writer."""


def cutover(case: Case, asked: Asked) -> Turned:
    """To its end, wherever the last one was killed."""
    begun, where = time.monotonic(), case.where
    with connected(case.database) as db:
        going = epochs.unfinished(db, where)
        if going is not None and going.kind is Turn.ROLLBACK:
            raise Refused(f"{where}: a rollback is not over", "abode legacy rollback goes on")
        if going is None:
            if (now := epochs.writer(db, where)).side is Side.NEW:
                return turned(db, case, now.epoch, begun)
            _gate(db, case, asked)
            going = epochs.begin(db, where, Turn.CUTOVER)
        closed = None
        if going.turned_at is None:
            alone(db, case)
            closed = time.monotonic()
            _prove(db, case, asked, going)
            closed = time.monotonic() - closed
        case.say("copy the old databases")
        kept = archive.keep(case.directory, going.epoch)
        epochs.finish(db, going.epoch, str(kept))
        return turned(db, case, going.epoch, begun).model_copy(update={"closed_seconds": closed})


def turned(db: Db, case: Case, epoch: int, begun: float) -> Turned:
    """What is said of an epoch that is over; also to who asks for it again."""
    told = next(row for row in db.execute(epochs.SQL["history"], {"directory": case.where})
                if row[0] == epoch)  # fmt: skip
    kind = Turn(told[1])
    return Turned(
        directory=case.where, epoch=epoch, kind=kind,
        writer=Side.NEW if kind is Turn.CUTOVER else Side.OLD, compared=told[6], sha256=told[7],
        archive=told[8], seconds=time.monotonic() - begun,
    )  # fmt: skip


def _gate(db: Db, case: Case, asked: Asked) -> None:
    """Every reader has been clean for long enough."""
    where = case.where
    if unclean := epochs.unclean(db, where, present(case.directory), asked.window_seconds):
        told = ", ".join(f"{reader} {why}" for reader, why in unclean)
        raise Diverged(f"{where}: readers are not clean: {told}", "abode legacy shadow")


def alone(db: Db, case: Case) -> None:
    """Whoever follows sees the epoch between two passes, and leaves."""
    if not ledger.is_alone(db):
        case.say("wait for who follows")
        ledger.is_alone(db, WAIT_SECONDS)
    ledger.begin(db, case.where, case.zone)


def _prove(db: Db, case: Case, asked: Asked, going: Open) -> None:
    """Close, drain, compare, switch. What is not proven, or cannot be, is taken back."""
    follower = patient(partial(following, db, case.database, case.directory, case.zone))
    try:
        told = _compared(db, case, asked, going, follower)
    except (Refused, Diverged) as error:
        take_back(db, case.where, going.epoch, list(follower.live), error.message)
        raise
    finally:
        follower.close()
    proof = sum(table.new for table in told.tables), digest(told)
    with db.transaction():
        db.execute(ledger.SQL["wait_for_disk"])
        epochs.switch(db, case.where, going.epoch, Side.NEW, proof)


def _compared(db: Db, case: Case, asked: Asked, going: Open, follower: Follower) -> Verified:
    case.say("close the old files")
    # Noted before they are closed: a kill between the two must not forget them.
    epochs.fenced(db, going.epoch, fence.modes(follower.lines))
    for path in follower.live:
        fence.close(path)
    fence.lines_close(follower.lines)
    case.say("take what is left in them")
    done = _drained(follower)
    case.say("compare both sides")
    told = verify(case.database, case.directory)
    if why := _against(done, told, asked):
        raise Diverged(why, "abode legacy verify names it; the old server writes on")
    return told


def _drained(follower: Follower) -> Pass:
    for _ in range(PASSES):
        done = follower.once(all_of_it=True)
        if not (done.applied or done.came or done.behind_rows):
            return done
    return done


def _against(done: Pass, told: Verified, asked: Asked) -> str:
    """Why it is not proven."""
    if done.failed:
        return f"{done.failed} changes could not be applied"
    if done.behind_rows:
        return f"{done.behind_rows} rows came after the files were closed"
    if done.rejected > asked.accept_rejected:
        return f"{done.rejected} rows are rejected, {asked.accept_rejected} accepted"
    if told.differing:
        return f"{told.differing} differences"
    return ""


def take_back(db: Db, directory: str, epoch: int, live: list[Path], why: str) -> None:
    """The old server writes again, and the epoch is over."""
    for path in live:
        fence.open_again(path)
    fence.lines_open(epochs.modes(db, directory))
    epochs.refuse(db, epoch, why)


def digest(told: Verified) -> bytes:
    """Of all tables and the graph, which are equal on both sides."""
    sums = [*(f"{one.table} {one.new_sha256}" for one in (*told.tables, *told.graph)),
            told.new_graph_sha256]  # fmt: skip
    return sha256("\n".join(sums).encode()).digest()


def following(db: Db, database: str, directory: Path, zone: str) -> Follower:
    """In the way that it was followed before: by triggers where they are."""
    paths = [path for name in LIVE if (path := directory / name).is_file()]
    by_triggers = any(map(triggers.installed, paths))
    return Follower(db, database, directory, zone, by_triggers=by_triggers)
