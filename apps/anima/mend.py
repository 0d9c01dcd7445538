"""A whole anima.db: the newest good backup, or a new file, and what a damaged one still tells."""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote

from apps.anima import archives, noted
from apps.anima.archives import Archive
from apps.anima.backups import GROWING, IDS, TABLES, Backup, copied, kept, sync, verify
from apps.anima.beside import house_time
from apps.anima.log import say
from apps.anima.missing import COUNTED, Missing, Spans, let_go, missing
from apps.anima.moved import catch_up, done
from apps.anima.retention import ROWS_AT_ONCE, remove
from apps.anima.salvage import CLOCK, HIGHEST, Salvaged, raise_ids, salvage
from apps.anima.store import QUERIES
from apps.anima.transaction import is_passing
from apps.anima.wal import copy, replay
from apps.migrate import runner
from apps.migrate.lines import line
from apps.sqlite import MALFORMED, as_row
from schemas.anima.tables import Event, EventType
from schemas.errors import HouseError


def mend(draft: Path, damaged: Path, facts: dict[str, Any]) -> dict[str, Any]:
    """Make ``draft``, whole and durable, with the damage event in it; gives the event's data."""
    scratch = _scratch(draft)
    try:
        if damaged.exists():
            replay(damaged, scratch)
            _give_a_header(scratch)
        for source in (*_sources(draft.parent), None):
            try:
                return _made(draft, damaged, source, facts)
            except MALFORMED as error:
                if source is None or is_passing(error):
                    raise
                say("backup not used", file=source.path.name, cause=error)
    finally:
        _remove(scratch)
    raise AssertionError("a new file is always tried last")


def _made(
    draft: Path, damaged: Path, source: Backup | None, facts: dict[str, Any]
) -> dict[str, Any]:
    scratch = _scratch(draft)
    _remove(draft)
    if source:
        verify(source.path)
        copy(source.path, draft)
    part = _part(draft.parent, source) if source else None
    if part:
        with closing(_opened(draft)) as db:
            _add(db, part)
    if source is None or _applied(draft) != line("anima").migrations():
        runner.apply(line("anima"), str(draft))
    with closing(_opened(draft)) as db:
        saved = salvage(db, scratch) if scratch.exists() else Salvaged.nothing()
        again, unfit = noted.replay(db, draft.with_suffix(""), damaged)
        archived = _archived(draft.parent)
        gone = missing(db, archived) if scratch.exists() else Missing.unknown()
        raise_ids(db, {table: max(last for _, last in spans) for table, spans in archived.items()})
        _forget_archived(db, draft.parent)
        facts = {
            **facts,
            "restored": [each.path.name for each in (source, part) if each],
            "salvaged": dict(+saved.rows),
            "from_journal": dict(+again),
            "lost": dict(_lost(saved, gone.uncounted) + unfit | +gone.rows),
            "gaps": let_go(db, gone),
            "uncounted": sorted(saved.uncounted | gone.uncounted),
        }
        event = Event(timestamp=house_time(db), event_type=EventType.DAMAGE, data=facts)
        db.execute(QUERIES["add_event"], as_row(event))
    verify(draft)
    sync(draft)
    _remove(draft, but_itself=True)
    return facts


def _scratch(draft: Path) -> Path:
    """The damaged file with its log's pages put back."""
    return draft.with_name(f"{draft.name}.old")


def _lost(saved: Salvaged, unknown: set[str]) -> Counter[str]:
    """What could not be read, where the rows themselves do not tell what is missing."""
    exact = set(COUNTED) - unknown
    return Counter({table: count for table, count in saved.lost.items() if table not in exact})


def _opened(draft: Path) -> sqlite3.Connection:
    """It is synced once, when it is whole."""
    db = sqlite3.connect(draft, uri=True, isolation_level=None)
    db.row_factory = sqlite3.Row
    db.execute("PRAGMA journal_mode = MEMORY")
    db.execute("PRAGMA synchronous = OFF")
    return db


def _sources(home: Path) -> Iterator[Backup]:
    """Whole backups, newest first."""
    return (each for each in kept(home) if each.base is None)


def _part(home: Path, whole: Backup) -> Backup | None:
    """The newest good one of what was new since."""
    for part in kept(home):
        if part.base == whole.number:
            try:
                verify(part.path)
            except MALFORMED as error:
                if is_passing(error):
                    raise
                say("backup not used", file=part.path.name, cause=error)
            else:
                return part
    return None


def _add(db: sqlite3.Connection, part: Backup) -> None:
    """Growing tables get what they have not; the others are then as they were when it was made."""
    db.execute("ATTACH ? AS live", (f"file:{quote(str(part.path))}?mode=ro&immutable=1",))
    _catch_up(db)
    db.execute("BEGIN")
    tables = [name for name, _ in db.execute(TABLES.format("live")).fetchall()]
    for table in tables:
        ids = f"{table}{IDS}"
        if table.endswith(IDS):
            continue
        if ids in tables:
            gone = f"id NOT IN (SELECT id FROM live.{ids}) OR id IN (SELECT id FROM live.{table})"  # noqa: S608
            db.execute(f"DELETE FROM main.{table} WHERE {gone}")  # noqa: S608  names of our own schema
        elif table not in GROWING:
            db.execute(f"DELETE FROM main.{table}")  # noqa: S608
        db.execute(copied(db, table))
    db.execute("COMMIT")
    db.execute("DETACH live")


def _catch_up(db: sqlite3.Connection) -> None:
    """The whole one's rows get the times that they had when the part was made."""
    ask = "SELECT name FROM live.sqlite_schema WHERE name IN (?, ?)"
    tables = [name for (name,) in db.execute(ask, CLOCK)]
    if len(tables) < len(CLOCK):
        return  # both are older than the clock
    before = done(db)
    for table in tables:
        db.execute(f"DELETE FROM main.{table}")  # noqa: S608  names of our own schema
        db.execute(copied(db, table))
    catch_up(db, before)


def _archived(home: Path) -> dict[str, Spans]:
    """The ids of each table that went into an archive."""
    found: dict[str, Spans] = {}
    for manifest in (home / archives.FOLDER).glob("*/*.json"):
        try:
            told = json.loads(manifest.read_bytes())
            first, last = int(told["first_id"]), int(told["last_id"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            say("archive not looked at", file=manifest, cause=error)
        else:
            if last < HIGHEST:
                found.setdefault(manifest.parent.name, []).append((first, last))
    return found


def _forget_archived(db: sqlite3.Connection, home: Path) -> None:
    """Rows that an archive has just so are there, and not here; all others stay, and it is said."""
    for table in GROWING:
        try:
            for archive in archives.listed(home, table):
                if archive.held_until is None and _has_some(db, archive):
                    archives.verify(home, archive)
                    lines = archives.lines_of(home, archive)
                    while some := list(islice(lines, ROWS_AT_ONCE)):
                        remove(db, archive, some)
        except (HouseError, sqlite3.Error) as error:
            if is_passing(error):
                raise
            say("archived rows kept", table=table, cause=error)


def _has_some(db: sqlite3.Connection, archive: Archive) -> bool:
    """Whether a row with one of its ids is here."""
    ask = f"SELECT 1 FROM {archive.table} WHERE id BETWEEN ? AND ? LIMIT 1"  # noqa: S608  ours
    return db.execute(ask, (archive.first_id, archive.last_id)).fetchone() is not None


def _applied(path: Path) -> tuple[str, ...]:
    with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as db:
        db.row_factory = sqlite3.Row
        return tuple(sorted(row["migration_id"] for row in db.execute(QUERIES["applied"])))


def _give_a_header(path: Path) -> None:
    """The bytes that tell SQLite how to read the pages, as we always write them."""
    with path.open("r+b") as file:
        size = file.seek(0, 2)
        file.seek(0)
        head = bytearray(file.read(100))
        if len(head) < 100:
            return
        head[:24] = b"SQLite format 3\0\x10\0\1\1\0\x40\x20\x20"
        head[28:32] = (size // 4096).to_bytes(4, "big")
        head[44:48], head[56:60] = b"\0\0\0\4", b"\0\0\0\1"
        head[92:96] = head[24:28]
        file.seek(0)
        file.write(head)


def _remove(path: Path, *, but_itself: bool = False) -> None:
    for end in ("-journal", "-wal", "-shm", ".migrate.lock", *([] if but_itself else [""])):
        path.with_name(f"{path.name}{end}").unlink(missing_ok=True)
