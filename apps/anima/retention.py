"""What is older than its table keeps it goes into the archive, and only then out of the file.

Oldest first, whole days, and only while the clock is known. Each row is compared with its archive
in the transaction that deletes it, so that being killed at any moment loses and doubles nothing.
"""

import sqlite3
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby, islice, takewhile
from operator import itemgetter
from pathlib import Path
from typing import Any, Final, NamedTuple

from apps.anima import archives
from apps.anima.archives import LIMIT_BYTES, Archive, Values
from apps.anima.clock import Clock, microseconds
from apps.anima.failures import Failures
from apps.anima.instants import as_instant
from apps.anima.log import say
from apps.anima.retiming import QUERIES as CLOCK
from apps.anima.retiming import Retiming, boot_began, ids_before
from apps.anima.store import ANSWER_SECONDS, Store
from apps.anima.store import QUERIES as STORE
from apps.queries import load
from apps.sqlite import as_text
from schemas.anima.growth import TrajectoryEvent
from schemas.anima.tables import AnimaState, DrawingState
from schemas.errors import Diverged, HouseError
from schemas.ports import ANIMA_DB

QUERIES = load(Path(__file__).with_name("retention.sql"))
KEEP_DAYS: Final = {
    model.table: model.keep_days
    for model in (DrawingState, AnimaState, TrajectoryEvent)
    if model.keep_days is not None
}
EVERY_SECONDS: Final = 3600.0
ROWS_AT_ONCE: Final = 100
REST_SECONDS: Final = 0.02
"""Between two transactions, so that whoever waits for the writer is served first."""
AHEAD: Final = 4
"""Rows that are looked at to tell whether the first of them has a time that can be."""


class Live(NamedTuple):
    """What the database says of one table."""

    columns: tuple[str, ...]
    first_id: int | None
    certain_upto: int
    """Rows beyond it may be younger than they say: their boot never knew the time."""
    schema_version: int | None


class Retention:
    """``turn`` is a chore of the main loop; the work is done in a thread that ends with it."""

    def __init__(
        self,
        store: Store,
        retiming: Retiming,
        clock: Clock,
        home: Path,
        *,
        limit_bytes: int = LIMIT_BYTES,
        failures: Failures | None = None,
    ) -> None:
        self._store, self._retiming, self._clock = store, retiming, clock
        self._home, self._limit = home, limit_bytes
        self._closing = threading.Event()
        self._due = 0.0
        self._thread: threading.Thread | None = None
        self.rest_seconds = REST_SECONDS
        self.archived = 0
        """Rows archived in this run of the process."""
        self.worst_seconds = 0.0
        """The longest that one transaction took, and whoever waited behind it."""
        self.failures = failures if failures is not None else Failures("not archived")

    def turn(self) -> None:
        """Once an hour, if the clock is known: begin in a thread, unless one is at it."""
        if self._thread is not None and self._thread.is_alive():
            return
        now = self._clock.monotonic()
        if now >= self._due and self._clock.is_known and self._retiming.is_settled:
            self._due = now + EVERY_SECONDS
            self._thread = threading.Thread(target=self.run, name="retention", daemon=True)
            self._thread.start()

    def close(self, timeout: float) -> bool:
        """Stop after the transaction under way; False if that took too long."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join(timeout)
        return self._thread is None or not self._thread.is_alive()

    def run(self) -> None:
        """Archive and delete what is due. What goes wrong is counted by table, and tried again."""
        now = self._clock.now()
        try:
            with archives.alone(self._home, 0) as is_alone:
                for table, days in KEEP_DAYS.items() if is_alone else ():
                    self._table(table, now, timedelta(days=days))
        except (HouseError, OSError, ValueError) as error:
            self.failures.note("archives", error)

    def _table(self, table: str, now: datetime, keep: timedelta) -> None:
        kind = f"archive of {table}"
        try:
            live = self._ask(lambda db: _live(db, table, now - keep), "read")
            if live.first_id is None:
                return
            there = archives.listed(self._home, table, partial(self.failures.note, kind))
            for archive in there:
                if archive.last_id >= live.first_id and not archives.is_held(archive, now):
                    self._remove_proven(archive)
            last = max(there, key=lambda archive: archive.last_id, default=None)
            self._archive_days(table, live, last, (now - keep).date().isoformat())
        except (HouseError, sqlite3.Error, OSError, ValueError) as error:
            self.failures.note(kind, error)

    def _remove_proven(self, archive: Archive) -> None:
        """Delete the rows that are as the archive has them; others stay, and are counted."""
        try:
            if self._ask(partial(_count, archive=archive), "read"):
                archives.verify(self._home, archive)
                self._remove(archive)
        except Diverged as error:
            self.failures.note(f"archive of {archive.table}", error)

    def _archive_days(self, table: str, live: Live, last: Archive | None, limit: str) -> None:
        after, before = (last.last_id, last.day) if last else (0, None)
        dated = self._dated(table, self._rows(table, live, after), before)
        due = takewhile(lambda pair: pair[0] < limit, dated)
        for each, pairs in groupby(due, itemgetter(0)):
            if self._closing.is_set():
                return
            if archives.size_bytes(self._home) >= self._limit:
                hint = "move some away, or raise ANIMA_ARCHIVE_LIMIT_BYTES"
                self.failures.note("archive limit", f"archives hold {self._limit} bytes: {hint}")
                return
            draft = Archive(
                table=table,
                day=each,
                columns=live.columns,
                rows=0,
                first_id=0,
                last_id=0,
                from_at="",
                upto_at="",
                sha256="",
                size_bytes=0,
                schema_version=live.schema_version,
                made_at=as_text(self._clock.now()),
                part=archives.next_part(self._home, table, each),
            )
            group = (row for _, row in pairs)
            made = archives.write(self._home, draft, group, lambda row: self._when(table, row))
            self._remove_proven(made)
            self.archived += made.rows
            say("archived", name=made.name, rows=made.rows, bytes=made.size_bytes)

    def _dated(
        self, table: str, rows: Iterator[Values], before: str | None
    ) -> Iterator[tuple[str, Values]]:
        """Each row with its day.

        One that tells none, or a later one than the rows after it, takes the day of the row
        before it, and is counted: a bit of its time has flipped.
        """
        ahead: deque[tuple[str | None, Values]] = deque()
        told = ((_day(self._when(table, row)), row) for row in rows)
        while ahead or (ahead := deque(islice(told, 1))):
            ahead.extend(islice(told, AHEAD - len(ahead)))
            day, row = ahead.popleft()
            after = [later for later, _ in ahead if later]
            if day is None or (after and day > max(after)):
                self.failures.note(f"time in {table}", f"id {row[0]}: {row[1]!r}")
                day = before or min(after, default=None)
                if day is None:
                    raise Diverged(f"{table}, id {row[0]}: no row tells its day")
            before = day
            yield day, row

    def _rows(self, table: str, live: Live, after: int) -> Iterator[Values]:
        """Rows by id, some at a time, each of them old enough to be asked for its day."""
        query = QUERIES["old_rows"].format(table=table, columns=", ".join(live.columns))
        asked = {"after": after, "upto": live.certain_upto, "limit": ROWS_AT_ONCE}
        while rows := self._ask(partial(_fetched, query=query, asked=asked), "read"):
            yield from map(tuple, rows)
            asked["after"] = rows[-1]["id"]

    def _remove(self, archive: Archive) -> None:
        """Delete rows that the archive has, each compared with it; the archive is verified."""
        lines = archives.lines_of(self._home, archive)
        while some := list(islice(lines, ROWS_AT_ONCE)):
            began = time.perf_counter()
            self._ask(partial(remove, archive=archive, lines=some))
            self.worst_seconds = max(self.worst_seconds, time.perf_counter() - began)
            if self._closing.wait(self.rest_seconds):
                raise TimeoutError("stopped while rows were deleted; the next run goes on")

    def _when(self, table: str, row: Values) -> str:
        try:
            return str(self._store.in_utc(table, row[1]))
        except (ValueError, OverflowError):
            return str(row[1])

    def _ask(self, work: Any, role: Any = "ask") -> Any:
        return self._store.submit("retention", work, role).result(ANSWER_SECONDS)


def database_bytes(home: Path) -> int:
    """What the database and its log take on the card."""
    files = (home / ANIMA_DB, home / f"{ANIMA_DB}-wal")
    return sum(path.stat().st_size for path in files if path.exists())


def remove(db: sqlite3.Connection, archive: Archive, lines: Sequence[bytes]) -> int:
    """Delete the rows of some lines that are still there; Diverged if one is not as archived."""
    span = {"first": archives.id_of(lines[0]), "last": archives.id_of(lines[-1])}
    if not same(db, archive, lines):
        return 0
    return db.execute(QUERIES["remove_rows"].format(table=archive.table), span).rowcount


def same(db: sqlite3.Connection, archive: Archive, lines: Sequence[bytes]) -> int:
    """How many of these rows are in the database as well; Diverged if one is not as archived."""
    span = {"first": archives.id_of(lines[0]), "last": archives.id_of(lines[-1])}
    query = QUERIES["live_rows"].format(table=archive.table, columns=", ".join(archive.columns))
    kept = {archives.id_of(line): line for line in lines}
    found = db.execute(query, span).fetchall()
    for row in found:
        if kept.get(row["id"]) != archives.line(row):
            where = f"{archive.table}, id {row['id']}"
            hint = f"compare it with {archive.name}.csv.gz; neither is touched"
            raise Diverged(f"{where}: is not as it was archived", hint=hint)
    return len(found)


def _count(db: sqlite3.Connection, archive: Archive) -> int:
    """How many rows are live of those between an archive's first and last."""
    span = {"first": archive.first_id, "last": archive.last_id}
    found: int = db.execute(QUERIES["count_live"].format(table=archive.table), span).fetchone()[0]
    return found


def _day(text: str) -> str | None:
    """The UTC day of a timestamp; None if it is none, so that no file gets its name from it."""
    try:
        return as_instant(text).date().isoformat()
    except (ValueError, OverflowError):
        return None


def _fetched(db: sqlite3.Connection, query: str, asked: dict[str, int]) -> list[sqlite3.Row]:
    return db.execute(query, asked).fetchall()


def _live(db: sqlite3.Connection, table: str, limit: datetime) -> Live:
    names = db.execute(QUERIES["columns"], {"table_name": table}).fetchall()
    first = db.execute(QUERIES["first_live"].format(table=table)).fetchone()
    applied = [int(row["migration_id"][:4]) for row in db.execute(STORE["applied"])]
    certain, following = 2**62, None
    for boot in db.execute(CLOCK["boots"]).fetchall():
        if boot["known_at"] is not None:
            following = boot_began(boot)
        elif following is None or following > microseconds(limit):
            certain = ids_before(boot).get(table, 0)
    return Live(
        columns=tuple(row["name"] for row in names),
        first_id=first["id"],
        certain_upto=certain,
        schema_version=max(applied, default=None),
    )
