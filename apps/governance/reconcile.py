"""At start: open the trails, have every line as a row, and tell what a crash kept from the trail.

What a crash leaves is told before the doors open, and before anything else. A trail that is far
behind or was restored would take minutes: after some seconds the doors open, and it goes on.
"""

import asyncio
import logging
import time

import psycopg
from pydantic_core import to_json

from apps.governance import VERSION
from apps.governance.audit import AuditLog, event
from apps.governance.trail.files import spoilt
from apps.governance.trail.follow import Connection, Follower
from apps.governance.trail.index import connect
from apps.governance.trail.late import Events, Late
from apps.postgres import PostgresSettings
from schemas.errors import HouseError, Unreachable

log = logging.getLogger("governance")
START_SECONDS = 3.0
"""For each trail, before the doors open."""
AGAIN_SECONDS = 1.0
PAUSE_SECONDS = 0.1
"""Between two looks behind the doors: whoever checks in comes first."""


def begin(postgres: PostgresSettings, audit: Follower, *others: Follower) -> Late:
    """Open each trail where it was left; gives what a crash had kept from the audit log."""
    doing = audit.journal.path
    try:
        with connect(postgres) as conn:
            late = _tell(conn, audit)
            for each in others:
                doing = each.journal.path
                _open(conn, each)
                _follow(conn, each, time.monotonic() + START_SECONDS)
    except OSError as error:
        raise Unreachable(f"{doing}: {error.strerror}", "is the disk full?") from None
    except psycopg.OperationalError as error:
        raise Unreachable(f"{doing}: postgres: {type(error).__name__}") from None
    if late.told:
        log.info(
            "%s: %d lines that a crash kept from it are there now", audit.journal.path, late.told
        )
    return late


async def go_on(postgres: PostgresSettings, late: Late, audit: AuditLog) -> None:
    """Tell what is left while the doors are open; a line that is given is on its way for good."""
    while late.left:
        try:
            events = await asyncio.to_thread(_look, postgres, late)
        except (psycopg.Error, HouseError) as error:
            log.warning("%s: late lines: %s; again soon", audit.path, type(error).__name__)
            await asyncio.sleep(AGAIN_SECONDS)
            continue
        if events is not None:
            await _given(audit, events)
            late.passed(events)
        await asyncio.sleep(PAUSE_SECONDS)


async def _given(audit: AuditLog, events: Events) -> None:
    """Until they are lines: what a full disk did not take is kept by the scribe, not told again."""
    waits = True
    while waits:
        try:
            await audit.append(events)
            waits = False
        except Unreachable:
            events = []


def _look(postgres: PostgresSettings, late: Late) -> Events | None:
    """The next events, or None while the index is not there yet."""
    if not late.is_level:
        return None
    with connect(postgres) as conn:
        return late.events(conn)


def _open(conn: Connection, follower: Follower) -> None:
    journal = follower.journal
    for path in spoilt(journal.path):
        journal.spoilt.add(path.name)
        log.warning("%s: cannot be unpacked; abode audit verify", path)
    journal.open(follower.look(conn).tip)
    if journal.odd:
        log.warning("%s; abode audit verify", journal.odd)


def _follow(conn: Connection, follower: Follower, until: float) -> None:
    """Index lines, as long as there is time; the index goes on where this stops."""
    while time.monotonic() < until and follower.step(conn):
        pass
    follower.close()
    if follower.behind:
        log.info("%s: %d lines are not indexed yet", follower.journal.path, follower.behind)


def _tell(conn: Connection, follower: Follower) -> Late:
    """Write what no line tells of, as long as there is time, and that the trail goes on."""
    until = time.monotonic() + START_SECONDS
    _open(conn, follower)
    late, write = Late(conn, follower), follower.journal.write
    while late.left and time.monotonic() < until:
        if late.is_level:
            if events := late.events(conn):
                write([to_json(each) for each in events])
            late.passed(events)
        elif not follower.step(conn):
            break
    opened = {**late.newest, "told_late": late.told, "version": VERSION}
    if late.left:
        opened["left"] = late.left
    write([to_json(event(None, "trail_opened", opened))])
    _follow(conn, follower, until)
    return late
