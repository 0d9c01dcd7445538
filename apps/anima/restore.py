"""``python -m apps.anima restore-archive`` and ``archives``: archived rows come back a while."""

import json
import sqlite3
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

from apps.anima import archives, noted
from apps.anima.archives import Archive
from apps.anima.beside import house_time
from apps.anima.log import say
from apps.anima.retention import KEEP_DAYS, QUERIES, ROWS_AT_ONCE, same
from apps.sqlite import as_text, connect
from schemas.errors import Diverged, Refused, Unreachable
from schemas.ports import ANIMA_DB

HOLD_DAYS = 7.0
"""How long restored rows stay, if nobody says otherwise."""
LONGEST_HOLD_DAYS = 366.0
WAIT_SECONDS = 60.0
"""For the retention of the running process to finish."""
USAGE = "restore-archive TABLE DAY... [--hold DAYS]"


def restore_archive(
    environment: Mapping[str, str], words: Sequence[str], now: datetime | None = None
) -> None:
    """Put days back, beside the running process or without it; a line for each archive."""
    table, days, hold = _asked(words)
    home = home_of(environment)
    wanted = [archive for day in days for archive in _of_day(home, table, day)]
    db = connect(home / ANIMA_DB)
    try:
        with archives.alone(home, WAIT_SECONDS) as is_alone:
            if not is_alone:
                raise Unreachable(f"{home}: its archives are being written", hint="try again")
            until = (now or house_time(db)) + timedelta(days=hold)
            for archive in wanted:
                _check(db, home, archive)
            for archive in wanted:
                put_back(db, home, archive, until)
    except sqlite3.Error as error:
        raise Unreachable(f"{home / ANIMA_DB}: {error}", hint="run it again: it goes on") from error
    finally:
        db.close()


def put_back(db: sqlite3.Connection, home: Path, archive: Archive, until: datetime) -> int:
    """Insert the rows that are not there, once nobody will delete them; gives how many."""
    archives.sign(home, archive._replace(held_until=as_text(until)))
    query = QUERIES["put_back"].format(
        table=archive.table,
        columns=", ".join(archive.columns),
        marks=", ".join("?" * len(archive.columns)),
    )
    before = db.total_changes
    noted.forget_all(home / ANIMA_DB)
    for lines in _some(home, archive):
        db.execute("BEGIN IMMEDIATE")
        try:
            db.executemany(query, [archives.values(line) for line in lines])
            db.execute("COMMIT")
        except BaseException:
            db.execute("ROLLBACK")
            raise
    restored = db.total_changes - before
    say("restored", name=archive.name, rows=restored, held_until=as_text(until))
    return restored


def list_archives(environment: Mapping[str, str], now: datetime | None = None) -> None:
    """One JSON object on stdout: every archive, and what all of them take."""
    home = home_of(environment)
    db = connect(home / ANIMA_DB)
    try:
        now = now or house_time(db)
    finally:
        db.close()
    told = [
        {
            "table": archive.table,
            "day": archive.day,
            "part": archive.part,
            "rows": archive.rows,
            "size_bytes": archive.size_bytes,
            "from_at": archive.from_at,
            "upto_at": archive.upto_at,
            "held_until": archive.held_until if archives.is_held(archive, now) else None,
        }
        for archive in archives.listed(home)
    ]
    size = archives.size_bytes(home)
    sys.stdout.write(json.dumps({"size_bytes": size, "archives": told}) + "\n")


def home_of(environment: Mapping[str, str]) -> Path:
    """Where the creature lives."""
    home = environment.get("ANIMA_HOME")
    if not home:
        raise Refused("ANIMA_HOME: is not set", hint=f"the directory of {ANIMA_DB}")
    path = Path(home)
    if not (path / ANIMA_DB).exists():
        raise Unreachable(f"{path / ANIMA_DB}: is missing", hint="is ANIMA_HOME right?")
    return path


def _asked(words: Sequence[str]) -> tuple[str, list[str], float]:
    said, rest, hold = " ".join(words), list(words), HOLD_DAYS
    try:
        if "--hold" in rest:
            at = rest.index("--hold")
            hold = float(rest[at + 1])
            del rest[at : at + 2]
        table, *days = rest
        days = [datetime.fromisoformat(day).date().isoformat() for day in days]
    except (ValueError, IndexError) as error:
        raise Refused(f"{said}: {error}", hint=USAGE) from None
    if table not in KEEP_DAYS:
        raise Refused(f"{table}: is not archived; tables are {', '.join(sorted(KEEP_DAYS))}")
    if not days or not 0 < hold <= LONGEST_HOLD_DAYS:
        raise Refused(f"{said}: no day, or held for {hold:g} days", hint=USAGE)
    return table, days, hold


def _of_day(home: Path, table: str, day: str) -> list[Archive]:
    there = archives.listed(home, table)
    found = [archive for archive in there if archive.day == day]
    if not found:
        known = f"from {there[0].day} to {there[-1].day}" if there else "of no day at all"
        raise Refused(f"{table} of {day}: is not archived; there are archives {known}")
    return found


def _check(db: sqlite3.Connection, home: Path, archive: Archive) -> None:
    """Diverged, before anything is changed, unless all of it can be put back."""
    archives.verify(home, archive)
    there = {row["name"] for row in db.execute(QUERIES["columns"], {"table_name": archive.table})}
    if gone := [name for name in archive.columns if name not in there]:
        raise Diverged(f"{archive.name}: {archive.table} has no {', '.join(gone)} any more")
    for lines in _some(home, archive):
        same(db, archive, lines)


def _some(home: Path, archive: Archive) -> Iterator[list[bytes]]:
    lines = archives.lines_of(home, archive)
    while some := list(islice(lines, ROWS_AT_ONCE)):
        yield some
