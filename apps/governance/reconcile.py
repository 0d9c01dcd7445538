"""At start: lines that a crash kept from audit_log.jsonl are appended out of audit.events."""

import asyncio
import json
import logging
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from pydantic_core import to_json

from apps.governance.audit import AuditLog
from apps.postgres import Pool
from apps.queries import load

log = logging.getLogger("governance")
SQL = load(Path(__file__).with_name("queries.sql"))
TAIL_BYTES = 8_388_608
ROWS = 1_000
OVERLAP = timedelta(seconds=60)
"""Lines stand in the order of commits, which may lag behind their instants by some seconds."""
NAMES = ("event_id", "recorded_at", "agent_id", "event_type", "payload")


async def reconcile(audit: AuditLog, pool: Pool) -> int:
    """Set a torn last line aside, append what is newer than the last whole one; gives how many.

    A file without lines was rotated or is new: there is nothing to go on from.
    """
    appended = 0
    try:
        known = await asyncio.to_thread(_tail, audit.path)
        if not known:
            return 0
        since = max(max(known.values()) - OVERLAP, min(known.values()))
        async with (
            pool.connection() as conn,
            conn.transaction(),
            conn.cursor(name="audit_events") as cursor,
        ):
            await cursor.execute(SQL["events_since"], {"since": since})
            while rows := await cursor.fetchmany(ROWS):
                lost = [row for row in rows if str(row[0]) not in known]
                lines = b"".join(to_json(_event(row)) + b"\n" for row in lost)
                if lines:
                    await asyncio.to_thread(audit.append, lines)
                appended += len(lost)
    except (OSError, psycopg.Error) as error:
        audit.trouble = audit.trouble or f"{audit.path}: not reconciled: {type(error).__name__}"
        log.warning("%s", audit.trouble)
    if appended:
        log.info("%s: %d lines appended from audit.events", audit.path, appended)
    return appended


def _event(row: tuple[object, ...]) -> dict[str, object]:
    event = dict(zip(NAMES, row, strict=True))
    at = event["recorded_at"]
    return {**event, "recorded_at": at.astimezone(UTC) if isinstance(at, datetime) else at}


def _tail(path: Path) -> dict[str, datetime]:
    """Ids and instants of the last lines, after cutting off one that is not whole."""
    if not path.is_file():
        return {}
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - TAIL_BYTES))
        whole, newline, torn = file.read().rpartition(b"\n")
        if torn:
            handle = os.open(
                path.with_suffix(".torn"), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640
            )
            with os.fdopen(handle, "ab") as aside:
                aside.write(torn + b"\n")
                aside.flush()
                os.fsync(aside.fileno())
            file.truncate(size - len(torn))
    known: dict[str, datetime] = {}
    for line in whole.split(b"\n") if newline else ():
        try:
            event = json.loads(line)
            known[str(event["event_id"])] = datetime.fromisoformat(event["recorded_at"])
        except (ValueError, TypeError, KeyError):
            continue  # not a line of ours, or the first of the tail, which is cut
    return known
