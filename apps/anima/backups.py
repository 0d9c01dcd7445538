"""Copies of anima.db on its own card: all of it once a day, what is new since then every hour.

They are for a damaged file and a wrong hand; against a lost card helps only what is elsewhere.
"""

import os
import re
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from apps.anima.failures import Failures
from apps.anima.log import say
from apps.anima.transaction import is_damage
from apps.anima.wal import beside, readonly
from apps.sqlite import sync_directory

FOLDER = "backups"
EVERY_SECONDS = 3_600.0
LOOK_SECONDS = 600.0
"""How often it is asked whether one is due; a process that does not live so long makes none."""
WHOLE_HOURS = 24
"""A whole one is made when this many hours have passed, or so many parts."""
KEPT_WHOLE, KEPT_PARTS = 2, 3
LIMIT_BYTES = 128 * 2**20
"""What all of them may take; the newest whole one stays whatever its size."""
ROOM_BYTES = 32 * 2**20
"""What must stay free: the ballast is made from it."""
STEPS = 1_000
"""How much is copied between two rests, in SQLite's own steps."""
REST_SECONDS = 0.002
SYNC_RESTS = 100
"""Rests between two syncs of the copy: one at the end would keep the writer waiting."""
CACHE_KIB = 256
GROWING = ("drawing_history", "state_history", "trajectory_events")
"""Tables of which a part holds only what the whole one before it has not."""
CHANGING = ("outbox", "outbox_rejected")
"""Tables of which a part holds the rows that the whole one has not just so, and all ids."""
IDS = "_ids"
"""Ends the name of the table of a part in which those ids are."""
NAME = re.compile(r"anima-(\d{6})-\d{8}T\d{6}Z\.(?:whole|since-(\d{6}))\.db")


class Counted(NamedTuple):
    """How many rows of a table a copy must have, by the database's own count."""

    least: int
    most: int
    where: str = "true"


class Backup(NamedTuple):
    """One copy; ``base`` is the number of the whole one that it adds to, None if it is whole."""

    number: int
    base: int | None
    path: Path

    @property
    def age_seconds(self) -> float:
        """By the file's own time; negative when the clock went back."""
        return time.time() - self.path.stat().st_mtime


def kept(home: Path) -> list[Backup]:
    """What there is, newest first. Numbers count on whatever the clock says."""
    found = [
        Backup(int(named[1]), int(named[2]) if named[2] else None, path)
        for path in (home / FOLDER).glob("anima-*.db")
        if (named := NAME.fullmatch(path.name))
    ]
    return sorted(found, key=lambda each: each.number, reverse=True)


class Backups:
    """Makes them, each in a thread of its own that rests often; ``found`` is damage it met."""

    def __init__(self, database: Path, may_write: Callable[[], bool] = lambda: True) -> None:
        self._database, self._home = database, database.parent
        self._may_write = may_write
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._made_at: float | None = None
        self.skipped = Failures("backup not made")
        self.found: str | None = None

    @property
    def age_seconds(self) -> float | None:
        """Of the newest; None if there is none."""
        newest = next(iter(kept(self._home)), None)
        return newest and max(newest.age_seconds, 0.0)

    def look(self, now: datetime) -> None:
        """Begin one if it is due. Never waits."""
        if self._thread and self._thread.is_alive():
            return
        if self._made_at is not None and time.monotonic() - self._made_at < EVERY_SECONDS - 1:
            return
        newest = next(iter(kept(self._home)), None)
        if self._made_at is None and newest and 0 <= newest.age_seconds < EVERY_SECONDS:
            return
        self._made_at = time.monotonic()
        self._thread = threading.Thread(target=self._run, args=(now,), name="backup", daemon=True)
        self._thread.start()

    def close(self, timeout: float) -> bool:
        """Break off; False if that took too long."""
        self._closing.set()
        if self._thread:
            self._thread.join(timeout)
        return not (self._thread and self._thread.is_alive())

    def _run(self, now: datetime) -> None:
        began = time.monotonic()
        try:
            made = self.make(now)
        except (sqlite3.Error, UnicodeDecodeError, OSError) as error:
            if self._closing.is_set():
                return
            if is_damage(error):
                self.found = str(error)
            self.skipped.note("failed", error)
        else:
            if made:
                size, seconds = made.path.stat().st_size, time.monotonic() - began
                say("backup made", file=made.path.name, bytes=size, seconds=seconds)

    def make(self, now: datetime) -> Backup | None:
        """One copy, checked and durable; None if the card or the day's budget has no room."""
        before = kept(self._home)
        whole = self._base(before)
        size = sum(p.stat().st_size for p in (self._database, beside(self._database)) if p.exists())
        if not self._may_write():
            self.skipped.note("budget", "the day has cost the card enough")
            return None
        disk = os.statvfs(self._home)
        if disk.f_bavail * disk.f_frsize < size + ROOM_BYTES:
            self.skipped.note("disk", f"it would leave less than {ROOM_BYTES} bytes free")
            return None
        number = before[0].number + 1 if before else 1
        kind = f"since-{whole.number:06}" if whole else "whole"
        path = self._home / FOLDER / f"anima-{number:06}-{now:%Y%m%dT%H%M%SZ}.{kind}.db"
        path.parent.mkdir(mode=0o700, exist_ok=True)
        for half in path.parent.glob("*.part*"):
            half.unlink()
        draft = path.with_name(f"{path.name}.part")
        try:
            rows = self._part(draft, whole) if whole else self._whole(draft)
            verify(draft, rows)
            sync(draft)
            draft.replace(path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
        sync_directory(path.parent)
        thin(self._home)
        return Backup(number, whole.number if whole else None, path)

    def _base(self, before: list[Backup]) -> Backup | None:
        """The whole one that a part may add to; None if it is time for a whole one."""
        whole = next((each for each in before if each.base is None), None)
        if whole is None or not 0 <= whole.age_seconds < WHOLE_HOURS * 3_600 - LOOK_SECONDS:
            return None
        is_full = before[0].number - whole.number >= WHOLE_HOURS
        return None if is_full or _schema(whole.path) != _schema(self._database) else whole

    def _whole(self, draft: Path) -> dict[str, Counted]:
        """All of it. VACUUM wants no transaction around it, so it is counted before and after."""
        with closing(readonly(self._database)) as db, self._resting(db, draft):
            tables = [name for name, _ in db.execute(TABLES.format("main")).fetchall()]
            there = {table: _there(db, table) for table in tables}
            before = {table: _count(db, table, there[table]) for table in tables}
            db.execute("VACUUM INTO ?", (str(draft),))
            after = {table: _count(db, table, there[table]) for table in tables}
        return {
            table: Counted(min(count, after[table]), max(count, after[table]), there[table])
            for table, count in before.items()
        }

    def _part(self, draft: Path, whole: Backup) -> dict[str, Counted]:
        """The small tables as they are, and of the others what is new: in one transaction."""
        with closing(sqlite3.connect(draft, uri=True, isolation_level=None)) as db:
            db.execute("PRAGMA journal_mode = OFF")
            db.execute("PRAGMA synchronous = OFF")
            db.execute("ATTACH ? AS live", (f"file:{quote(str(self._database))}?mode=ro",))
            db.execute("ATTACH ? AS whole", (f"file:{quote(str(whole.path))}?mode=ro&immutable=1",))
            with self._resting(db, draft):
                db.execute("BEGIN")
                rows: dict[str, Counted] = {}
                for table, sql in db.execute(TABLES.format("live")).fetchall():
                    rows |= _copy(db, table, sql)
                sequences = "SELECT name, seq FROM live.sqlite_sequence"
                db.execute("DELETE FROM sqlite_sequence")
                db.execute(f"INSERT INTO sqlite_sequence (name, seq) {sequences}")
                db.execute("COMMIT")
        return rows

    def _resting(self, db: sqlite3.Connection, draft: Path) -> "_Resting":
        return _Resting(db, draft, self._closing)


TABLES = """
SELECT name, sql FROM {0}.sqlite_schema
 WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!'
"""


class _Resting:
    """While it lasts, a connection rests often, and what it writes is synced in small pieces."""

    def __init__(self, db: sqlite3.Connection, draft: Path, closing_: threading.Event) -> None:
        self._db, self._draft, self._closing = db, draft, closing_
        self._rests = 0

    def __enter__(self) -> None:
        self._db.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        self._db.set_progress_handler(self._rest, STEPS)

    def __exit__(self, *_: object) -> None:
        self._db.set_progress_handler(None, 0)

    def _rest(self) -> bool:
        self._rests += 1
        if self._rests % SYNC_RESTS == 0 and self._draft.exists():
            sync(self._draft)
        return self._closing.wait(REST_SECONDS)  # True breaks it off


def verify(path: Path, rows: dict[str, Counted] | None = None) -> None:
    """Open a copy, check every page, count every table; DatabaseError if it is not as made."""
    with closing(_alone(path)) as db:
        db.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        (said,) = db.execute("PRAGMA quick_check(1)").fetchone()
        if said != "ok":
            raise sqlite3.DatabaseError(f"{path.name}: {said}")
        for table, (least, most, where) in (rows or {}).items():
            there = _count(db, table, where)
            if not least <= there <= most:
                cause = f"{there} rows of {table}, not {least} to {most}"
                raise sqlite3.DatabaseError(f"{path.name}: {cause}")


def thin(home: Path) -> None:
    """Let the old ones go: beyond the kept number, without their base, or over the limit."""
    whole = [each for each in kept(home) if each.base is None][:KEPT_WHOLE]
    newest = whole[0].number if whole else None
    parts = [each for each in kept(home) if each.base is not None and each.base == newest]
    staying, room = [], LIMIT_BYTES
    for each in [*whole[:1], *parts[:KEPT_PARTS], *whole[1:]]:
        room -= each.path.stat().st_size
        if each is whole[0] or room >= 0:
            staying.append(each.path)
    for each in kept(home):
        if each.path not in staying:
            each.path.unlink()


def copied(db: sqlite3.Connection, table: str, where: str = "true") -> str:
    """The statement that copies from ``live`` what ``main`` has not, in the columns of both."""
    ask = "SELECT name FROM pragma_table_info(?, ?)"
    ours = {name for (name,) in db.execute(ask, (table, "main"))}
    columns = ", ".join(n for (n,) in db.execute(ask, (table, "live")) if n in ours)
    return (
        f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM live.{table}"  # noqa: S608
        f" WHERE {where} ON CONFLICT DO NOTHING"
    )


def _copy(db: sqlite3.Connection, table: str, sql: str) -> dict[str, Counted]:
    """Copy what a part has of a table; gives what must be there then."""
    db.execute(sql)
    where, counts = "true", {}
    if table in GROWING:
        where = f"id > (SELECT coalesce(max(id), 0) FROM whole.{table})"  # noqa: S608  names of ours
    elif table in CHANGING:
        where = _changed(db, table)
        counts[f"{table}{IDS}"] = _count(db, f"live.{table}")
        db.execute(f"CREATE TABLE {table}{IDS} (id INTEGER PRIMARY KEY)")
        db.execute(f"INSERT INTO {table}{IDS} (id) SELECT id FROM live.{table}")  # noqa: S608
    counts[table] = _count(db, f"live.{table}", where)
    db.execute(copied(db, table, where))
    return {name: Counted(count, count) for name, count in counts.items()}


def _changed(db: sqlite3.Connection, table: str) -> str:
    """What picks the rows that the whole one has not, or has otherwise."""
    ask = "SELECT name FROM pragma_table_info(?, 'live')"
    columns = [name for (name,) in db.execute(ask, (table,))]
    theirs = ", ".join(f"w.{name}" for name in columns)
    ours = ", ".join(f"live.{table}.{name}" for name in columns)
    same = f"w.id = live.{table}.id AND ({theirs}) IS ({ours})"
    return f"NOT EXISTS (SELECT 1 FROM whole.{table} AS w WHERE {same})"  # noqa: S608  names of ours


def _count(db: sqlite3.Connection, table: str, where: str = "true") -> int:
    (count,) = db.execute(f"SELECT count(*) FROM {table} WHERE {where}").fetchone()  # noqa: S608
    return int(count)


def _there(db: sqlite3.Connection, table: str) -> str:
    """What picks the rows that are there now: where they are numbered, none that comes later."""
    ask = "SELECT name FROM pragma_table_info(?) WHERE pk AND type = 'INTEGER'"
    numbered = db.execute(ask, (table,)).fetchone()
    if numbered is None:
        return "true"
    (key,) = numbered
    (last,) = db.execute(f"SELECT coalesce(max({key}), 0) FROM {table}").fetchone()  # noqa: S608
    return f"{key} <= {last}"


def _alone(path: Path) -> sqlite3.Connection:
    """A connection to a file that nobody changes: no lock, no log, nothing beside it."""
    return sqlite3.connect(f"file:{quote(str(path))}?mode=ro&immutable=1", uri=True)


def _schema(path: Path) -> list[str]:
    with closing(readonly(path)) as db:
        ask = "SELECT name || coalesce(sql, '') FROM sqlite_schema ORDER BY name"
        return [str(said) for (said,) in db.execute(ask)]


def sync(path: Path) -> None:
    """Make a file durable; its name is made so with its directory."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
