"""From the lines of a trail to rows: whatever happens, each line once, in the order of the chain.

The rows and how far they reach are written in one transaction, so a follower that was killed
anywhere goes on exactly where the last commit was.
"""

import logging
import time
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from psycopg.errors import CheckViolation, DataError, IntegrityError

from apps.governance.trail.journal import Journal
from apps.governance.trail.line import ORIGIN, Tip, link
from apps.governance.trail.read import Reader
from apps.queries import load
from schemas.errors import Diverged
from schemas.governance.audit import AuditEvent, ToolUsage, Trail

log = logging.getLogger("governance")
SQL = load(Path(__file__).with_name("trail.sql"))
KEEP_DAYS = {
    Trail.AUDIT_LOG: AuditEvent.keep_days or 0,
    Trail.TOOL_USAGE: ToolUsage.keep_days or 0,
}
Connection = psycopg.Connection[Any]


class Position(NamedTuple):
    """How far a trail is indexed, as audit.positions has it."""

    first_seq: int = 0
    read_bytes: int = 0
    seq: int = 0
    hash: str = ORIGIN
    state_id: int = 0
    lifecycle_id: int = 0

    @property
    def tip(self) -> Tip:
        """The last indexed line."""
        return Tip(self.seq, self.hash)


class Indexed(NamedTuple):
    """What became of some lines, and the newest ids that they speak of."""

    made: int = 0
    old: int = 0
    state_id: int | None = None
    lifecycle_id: int | None = None
    refused: int = 0


class Follower:
    """Reads one trail behind its writer and keeps the table that is its index up with it."""

    def __init__(self, trail: Trail, journal: Journal) -> None:
        self.trail = trail
        self.journal = journal
        self.position: Position | None = None
        """Where the last commit left it; None before it looked."""
        self.refused = 0
        """Lines that are none, or that the database will not have; they stay in the file."""
        self.odd: str | None = None
        """The first place where the chain did not hold."""
        self.trouble: str | None = None
        """What hindered the last step."""
        self.holds = False
        """Whether rows before the ids of the position may be untold: then the ids stay."""
        self._reader = Reader(journal)
        self._is_reading = False
        self._level_at = time.monotonic()

    @property
    def behind(self) -> int:
        """Lines that are not rows yet."""
        return max(0, self.journal.tip.seq - self.position.seq) if self.position else 0

    @property
    def behind_seconds(self) -> float:
        """For how long there have been some."""
        if not self.behind:
            self._level_at = time.monotonic()
        return time.monotonic() - self._level_at

    def look(self, conn: Connection) -> Position:
        """Where the database says that the trail is indexed up to; reading goes on from there."""
        conn.execute(SQL["begin_position"], {"trail": self.trail})
        row = conn.execute(SQL["position"], {"trail": self.trail}).fetchone()
        self.position = Position(*row) if row else Position()
        self._is_reading = False
        return self.position

    def step(self, conn: Connection) -> int:
        """Index what comes next, a chunk at most; gives how many lines that was."""
        at = self.position or self.look(conn)
        self._is_reading = self._is_reading or self._reader.seek(*at[:3])
        lines = self._reader.read()
        if not lines:
            if day := self._reader.turn():
                said = {"trail": self.trail, "seq": at.seq, "day": day, "hash": at.hash}
                conn.execute(SQL["anchor"], said)
                lines = self._reader.read()
            if not lines:
                return 0
        kept, tip = self._linked(lines, at.tip)
        try:
            with conn.transaction():
                upto = self._commit(conn, at, tip, index(conn, self.trail, kept))
        except (DataError, IntegrityError, UnicodeDecodeError) as error:
            if is_misplaced(error):
                raise
            with conn.transaction():
                upto = self._commit(conn, at, tip, one_by_one(conn, self.trail, kept))
        self.position = upto
        return len(lines)

    def close(self) -> None:
        """Let go of the file."""
        self._reader.close()
        self._is_reading = False

    def _commit(self, conn: Connection, at: Position, tip: Tip, made: Indexed) -> Position:
        upto = Position(
            first_seq=self._reader.first_seq,
            read_bytes=self._reader.offset,
            seq=tip.seq,
            hash=tip.hash,
            state_id=at.state_id if self.holds or made.state_id is None else made.state_id,
            lifecycle_id=at.lifecycle_id
            if self.holds or made.lifecycle_id is None
            else made.lifecycle_id,
        )
        said = {**upto._asdict(), "trail": self.trail, "before": at.seq}
        if conn.execute(SQL["move_position"], said).rowcount != 1:
            raise Diverged(f"audit.positions: {self.trail}: another process moves it")
        if made.refused:
            self.refused += made.refused
            self._oddity(f"lines up to {tip.seq}: {made.refused} cannot be rows")
        return upto

    def _linked(self, lines: list[bytes], tip: Tip) -> tuple[list[bytes], Tip]:
        """The lines of the chain that are not rows yet, and where it ends then."""
        kept = []
        for line in lines:
            said = link(line)
            if said is None:
                self.refused += 1
                self._oddity(f"after line {tip.seq}: there is what is no line of the chain")
                continue
            if said.seq <= tip.seq:
                continue  # it was read again from the beginning of its file
            if said.seq != tip.seq + 1 or said.prev != tip.hash:
                self._oddity(f"line {said.seq} does not follow line {tip.seq}")
            kept.append(line)
            tip = said.tip
        return kept, tip

    def _oddity(self, what: str) -> None:
        if self.odd is None:
            self.odd = f"{self.journal.path.name}: {what}"
            log.warning("%s; abode audit verify", self.odd)


def index(conn: Connection, trail: Trail, lines: list[bytes]) -> Indexed:
    """Have lines as rows; those that are there already stay as they are."""
    if not lines:
        return Indexed()
    said = {"lines": (b"[%s]" % b",".join(lines)).decode(), "keep_days": KEEP_DAYS[trail]}
    row = conn.execute(SQL[f"index_{trail}"], said).fetchone()
    return Indexed(*row) if row else Indexed()


def one_by_one(conn: Connection, trail: Trail, lines: list[bytes]) -> Indexed:
    """The same, but that a line which cannot be a row is counted and left out."""
    whole = Indexed()
    for line in lines:
        try:
            with conn.transaction():
                made = index(conn, trail, [line])
        except (DataError, IntegrityError, UnicodeDecodeError) as error:
            if is_misplaced(error):
                raise
            made = Indexed(refused=1)
        whole = Indexed(
            whole.made + made.made,
            whole.old + made.old,
            whole.state_id if made.state_id is None else made.state_id,
            whole.lifecycle_id if made.lifecycle_id is None else made.lifecycle_id,
            whole.refused + made.refused,
        )
    return whole


def is_misplaced(error: Exception) -> bool:
    """Whether no month takes a row: Postgres names no constraint then. Not the line's fault."""
    return isinstance(error, CheckViolation) and error.diag.constraint_name is None
