"""What a wrong clock has written is moved, as soon as an authority says by how much."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

from apps.anima.clock import SECOND, TIMESYNC, Clock, Correction, instant, microseconds
from apps.anima.instants import as_instant, borne_out, told
from apps.anima.log import say
from apps.anima.outbox import HEAD_LIMIT, sent_upto
from apps.anima.promise import Promise
from apps.anima.store import ANSWER_SECONDS, Store
from apps.queries import load
from apps.sqlite import as_text
from schemas.anima.tables import Event, EventType

QUERIES = load(Path(__file__).with_name("clock.sql"))
STAMPS: Final = {
    "outbox": "recorded_at",
    "events": "timestamp",
    "state_history": "timestamp",
    "drawing_history": "timestamp",
    "trajectory_events": "timestamp",
    "drawing_records": "finished_at",
}
"""Tables that grow at their end, with the column that says when, in the order of being moved.

The outbox comes first: governance waits for it.
"""
ROWS_AT_ONCE = 200
"""Moved in one transaction."""
EVENTS_LIMIT = 20
"""Jumps that are written as events in one run; all are counted."""
KEEP_SLEW = SECOND // 10
PAUSE = timedelta(seconds=1)
"""At least so long lies between two boots."""

KNOWN, CORRECTED, BEFORE = "known", "corrected", "before"


class Found(NamedTuple):
    """What the file knew of the time when the process began."""

    boot: sqlite3.Row | None
    """This boot's row."""
    newest: datetime | None
    known_until: datetime | None
    """The newest time of an earlier boot whose clock was known."""
    last_ids: dict[str, int]
    is_moving: bool


class Retiming:
    """The clock's own record in the store. Used by the main thread, and never waits after start.

    While rows are being moved no further authority is listened to.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._job: Promise | None = None
        self._moving = self._dating = False
        self._told: tuple[Correction, dict[str, int] | None] | None = None
        self._events = 0
        self._kept_offset = 0
        self._began: dict[str, Any] = {}
        self._began_boottime = 0
        self.moved: Callable[[datetime, timedelta], None] | None = None
        """Told what else to move: stamps that are in memory, and not before ``since``."""

    @property
    def is_settled(self) -> bool:
        """Whether every row has the time that the clock would give it."""
        return self._job is None and not self._moving

    def at_once(self) -> int:
        """How many check-ins may be sent at once: none while they get their dates.

        One, as long as the time is not known: its answer may tell it. For any thread.
        """
        is_known = self._clock.is_known  # asked first: what follows from it is set before it is
        is_told = not is_known and self._clock.has_heard
        if is_told or self._dating:
            return 0
        return HEAD_LIMIT if is_known else 1

    def begin(self) -> None:
        """At start, before anything is written: go on with this boot, or begin it."""
        found = self._store.submit("clock", self._find, "read").result(ANSWER_SECONDS)
        self._moving = found.is_moving
        if found.boot is not None:
            self._clock.take_up(found.boot["offset_microseconds"], found.boot["source"])
        if found.newest is not None:
            self._clock.not_before(found.newest + (timedelta(0) if found.boot else PAUSE))
        self._kept_offset = self._clock.offset
        began = self._began = {
            "kernel_boot_id": self._clock.boot,
            "raw_wall_at": as_text(self._clock.system()),
            "began_monotonic_seconds": self._clock.monotonic(),
            "offset_microseconds": self._clock.offset,
            "last_ids": json.dumps(found.last_ids),
        }
        since = found.boot["began_monotonic_seconds"] if found.boot else self._clock.monotonic()
        self._began_boottime = int(since * SECOND)
        if found.known_until is not None:
            self._clock.least = microseconds(found.known_until) - self._began_boottime
        self._store.submit("clock", lambda db: _run(db, "begin_boot", began), "prompt")
        self.turn()

    def turn(self) -> None:
        """Once a second: move some rows, or listen to the authorities."""
        if self._job is not None and not self._job.is_settled:
            return
        if not self._take_result():
            return
        if self._moving:
            self._job = self._store.submit("clock", self._move)
            return
        self._dating = True  # before the clock becomes known, for whoever asks meanwhile
        correction = self._clock.look()
        self._dating = correction is not None
        if correction is not None:
            self._correct(correction)
        for jump in self._clock.jumps:
            self._events += 1
            if self._events <= EVENTS_LIMIT:
                self._record(EventType.TIME_JUMP, {"seconds": round(jump, 3)})
        self._clock.jumps.clear()
        if correction is None and abs(self._clock.offset - self._kept_offset) >= KEEP_SLEW:
            self._keep_slew()

    def _take_result(self) -> bool:
        """What became of the last job; False if it must be given again first."""
        if self._job is None:
            return True
        job, self._job = self._job, None
        try:
            outcome = job.result(0)
        except Exception:  # noqa: BLE001  counted by the store, and tried again
            if self._told is not None:
                self._tell_again()
                return False
            return True
        if self._told is not None:
            self._told = None
            self._moving = True
        else:
            self._moving = outcome is not None
            self._dating = outcome == "outbox"
        return True

    def _correct(self, correction: Correction) -> None:
        """Everything that waits to be written has the old offset, all that comes has the new."""
        seconds = round(correction.shift / SECOND, 6)
        if correction.shift and self.moved:
            since = self._clock.offset - correction.shift + self._began_boottime
            self.moved(instant(since), timedelta(microseconds=correction.shift))
        say("time known", source=correction.source, moved_seconds=seconds)
        self._submit(correction, None)
        self._record(
            EventType.TIME_KNOWN,
            {
                "source": correction.source,
                "moved_seconds": seconds,
                "was_known": correction.was_known,
            },
        )

    def _submit(self, correction: Correction, upto: dict[str, int] | None) -> None:
        now, boot = self._clock.now(), self._clock.boot
        offset, self._told = self._clock.offset, (correction, upto)
        self._kept_offset = offset

        def work(db: sqlite3.Connection) -> None:
            known = {
                "kernel_boot_id": boot,
                "offset_microseconds": offset,
                "source": correction.source,
                "known_at": as_text(now),
            }
            db.execute(QUERIES["begin_boot"], self._began)
            db.execute(QUERIES["know_boot"], known)
            shift_boots(db, boot, correction, upto or last_ids(db))

        # A record, so that it comes after every record that was submitted before it.
        self._job = self._store.submit("clock", work, "prompt")

    def _tell_again(self) -> None:
        """The disk refused for so long that it was dropped: what is written by now is old."""
        assert self._told is not None  # noqa: S101  the caller looked
        correction, upto = self._told
        if upto is None:
            try:
                upto = self._store.submit("clock", last_ids, "fresh").result(ANSWER_SECONDS)
            except (sqlite3.Error, TimeoutError) as error:
                self._clock.failures.note("clock retiming", error)
        self._submit(correction, upto)

    def _keep_slew(self) -> None:
        self._kept_offset = self._clock.offset
        slewed = {
            "kernel_boot_id": self._clock.boot,
            "offset_microseconds": self._clock.offset,
            "source": self._clock.source,
        }
        self._store.submit("clock", lambda db: _run(db, "slew_boot", slewed), "record")

    def _record(self, kind: EventType, data: dict[str, Any]) -> None:
        event = Event(timestamp=self._clock.now(), event_type=kind, data=data)
        self._store.record_event(event)

    def _find(self, db: sqlite3.Connection) -> "Found":
        """What the file knows of this boot and of the time."""
        boot = {"kernel_boot_id": self._clock.boot}
        marks = [(row["stamp"], row["told_by"]) for row in db.execute(QUERIES["latest_marks"])]
        last = last_ids(db)
        for table, upto in last.items():
            marks += [(text, table) for text in newest_stamps(db, table, 0, upto)]
        stamps = list(told(marks, self._store.in_utc, self._clock.failures.note))
        newest = borne_out(stamps)
        if newest is not None and max(newest, self._clock.system()) < max(stamps):
            self._clock.failures.note("clock newest row", f"no other bears out {max(stamps)}")
        if "outbox" in last:
            self._store.handed_out = max(self._store.handed_out, sent_upto(db))
        return Found(
            boot=db.execute(QUERIES["this_boot"], boot).fetchone(),
            newest=newest,
            known_until=known_until(db, self._clock.boot, last),
            last_ids=last,
            is_moving=db.execute(QUERIES["next_shift"]).fetchone() is not None,
        )

    def _move(self, db: sqlite3.Connection) -> str | None:
        """Move the next rows; gives their table, None if there was nothing left to move."""
        shift = db.execute(QUERIES["next_shift"]).fetchone()
        if shift is None:
            return None
        table, stamp = shift["table_name"], STAMPS[shift["table_name"]]
        rows = db.execute(
            QUERIES["rows_to_move"].format(table=table, stamp=stamp),
            {"next_id": shift["next_id"], "upto_id": shift["upto_id"], "limit": ROWS_AT_ONCE},
        ).fetchall()
        move = QUERIES["move_row"].format(table=table, stamp=stamp)
        for row in rows:
            try:
                moved = {"id": row["id"], "stamp": moved_by(row["stamp"].decode(), shift["shift"])}
                if shift["shift"]:
                    db.execute(move, moved)
                if table == "drawing_records":
                    _move_start(db, row["id"], shift)
            except (ValueError, OverflowError, sqlite3.IntegrityError) as error:
                self._clock.failures.note(f"clock {table}", f"id {row['id']}: {error}")
                continue
            if table == "outbox":
                db.execute(QUERIES["date_checkin"], {**moved, "handed_out": self._store.handed_out})
        is_done = len(rows) < ROWS_AT_ONCE
        next_id = shift["upto_id"] + 1 if is_done else rows[-1]["id"] + 1
        db.execute(QUERIES["note_moved"], {"id": shift["id"], "next_id": next_id})
        return str(table)


def _move_start(db: sqlite3.Connection, number: int, shift: sqlite3.Row) -> None:
    started = db.execute(QUERIES["started"], {"id": number}).fetchone()["started_at"]
    is_ours = microseconds(as_instant(started)) >= shift["began"]
    moved = moved_by(started, shift["shift"]) if is_ours else None
    db.execute(QUERIES["move_start"], {"id": number, "started_at": moved})


def moved_by(stamp: str, shift: int) -> str:
    """A timestamp so many microseconds later."""
    return as_text(instant(microseconds(as_instant(stamp)) + shift))


def last_ids(db: sqlite3.Connection) -> dict[str, int]:
    """The highest id that each table ever gave."""
    there = {row["name"] for row in db.execute(QUERIES["tables_there"])}
    found = {}
    for table in STAMPS:
        if table in there:
            given = db.execute(QUERIES["last_given"], {"table_name": table}).fetchone()
            last = db.execute(QUERIES["last_row"].format(table=table)).fetchone()
            found[table] = max(given["seq"] if given else 0, last["seq"])
    return found


def newest_stamps(db: sqlite3.Connection, table: str, after: int, upto: int) -> list[str]:
    """The times of the newest few rows with an id in (after, upto], of those that tell one."""
    query = QUERIES["newest_stamps"].format(table=table, stamp=STAMPS[table])
    found = []
    for row in db.execute(query, {"after": after, "upto": upto}).fetchall():
        try:
            text: str = row["stamp"].decode()
            as_instant(text)
        except (ValueError, OverflowError):
            continue
        found.append(text)
    return found


def shift_boots(
    db: sqlite3.Connection, boot: str, correction: Correction, upto: dict[str, int]
) -> None:
    """Say which rows are to be moved: this boot's, and earlier ones that lie after its start."""
    boots = db.execute(QUERIES["boots"]).fetchall()
    while boots[0]["kernel_boot_id"] != boot:  # a file from another board may hold later ones
        boots.pop(0)
    this, *earlier = boots
    reason = CORRECTED if correction.was_known else KNOWN
    for shift in _spans(this, upto, correction.shift):
        # A check-in that was composed without a date gets one, even if nothing moves.
        if correction.shift or shift["table_name"] == "outbox":
            db.execute(QUERIES["add_shift"], {**shift, "reason": reason})
    bound = boot_began(this)
    _move_birth(db, bound - correction.shift, correction.shift)
    upto = ids_before(this)
    for each in earlier:
        after = ids_before(each)
        last = _last_of(db, after, upto)
        if last is not None:
            is_certain = each["known_at"] and correction.source != TIMESYNC
            if last <= bound or is_certain:
                return
            shift_by = bound - PAUSE // timedelta(microseconds=1) - last
            for shift in _spans(each, upto, shift_by):
                db.execute(QUERIES["add_shift"], {**shift, "reason": BEFORE})
            db.execute(QUERIES["move_boot"], {"id": each["id"], "shift": shift_by})
            bound = boot_began(each) + shift_by
        upto = after


def known_until(db: sqlite3.Connection, boot: str, upto: dict[str, int]) -> datetime | None:
    """The newest time that an earlier boot wrote with a known clock."""
    for each in db.execute(QUERIES["boots"]).fetchall():
        after = ids_before(each)
        if each["known_at"] and each["kernel_boot_id"] != boot:
            last = _last_of(db, after, upto)
            if last is not None:
                return instant(last)
        upto = after
    return None


def _last_of(db: sqlite3.Connection, after: dict[str, int], upto: dict[str, int]) -> int | None:
    """The newest time among the rows of one boot, in microseconds."""
    newest = borne_out(stamps_of(db, after, upto))
    return None if newest is None else microseconds(newest)


def stamps_of(
    db: sqlite3.Connection, after: dict[str, int], upto: dict[str, int]
) -> Iterator[datetime]:
    """The newest few times of each table among the rows between some ids."""
    for table, last in upto.items():
        yield from map(as_instant, newest_stamps(db, table, after.get(table, 0), last))


def _spans(boot: sqlite3.Row, upto: dict[str, int], shift: int) -> Iterator[dict[str, Any]]:
    """The rows of one boot, table by table."""
    before = ids_before(boot)
    for table, last in upto.items():
        first = before.get(table, 0) + 1
        if first <= last:
            yield {
                "kernel_boot_id": boot["kernel_boot_id"],
                "table_name": table,
                "from_id": first,
                "upto_id": last,
                "shift": shift,
            }


def ids_before(boot: sqlite3.Row) -> dict[str, int]:
    """The last id of each table before a boot."""
    return dict(json.loads(boot["last_ids"]))


def boot_began(boot: sqlite3.Row) -> int:
    """House time when the creature first woke in a boot, in microseconds."""
    return int(boot["began_monotonic_seconds"] * SECOND) + int(boot["offset_microseconds"])


def _move_birth(db: sqlite3.Connection, began: int, shift: int) -> None:
    """Whoever was born in this boot was born by its clock."""
    if not shift:
        return
    for born in db.execute(QUERIES["birth"], {"began_at": as_text(instant(began))}).fetchall():
        moved = {"creature_id": born["creature_id"], "born_at": moved_by(born["born_at"], shift)}
        db.execute(QUERIES["move_birth"], moved)


def _run(db: sqlite3.Connection, query: str, row: dict[str, Any]) -> None:
    db.execute(QUERIES[query], row)
