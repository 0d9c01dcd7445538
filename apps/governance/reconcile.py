"""At start: open the trails, have every line as a row, and tell what a crash kept from the trail.

A check-in is committed a moment before its line is on the disk. Whoever is killed in between has
acknowledged nothing; the row is there all the same, and so its line is written now, before others.
"""

import logging
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
from pydantic_core import to_json

from apps.governance import VERSION
from apps.governance.audit import event
from apps.governance.trail.follow import SQL, Connection, Follower
from apps.governance.trail.index import connect
from apps.postgres import PostgresSettings
from schemas.errors import Diverged, Unreachable
from schemas.governance.audit import Trail

log = logging.getLogger("governance")
LIMIT = 1_000
"""Lines at a time."""
SAY_SECONDS = 5.0


def begin(postgres: PostgresSettings, *followers: Follower) -> int:
    """Open each trail where it was left; gives how many lines a crash had kept from it."""
    told = 0
    doing = "trails"
    try:
        with connect(postgres) as conn:
            for follower in followers:
                doing = str(follower.journal.path)
                known = follower.look(conn)
                follower.journal.open(known.tip)
                if follower.journal.odd:
                    log.warning("%s; abode audit verify", follower.journal.odd)
                _catch_up(conn, follower)
                if follower.trail is Trail.AUDIT_LOG:
                    told = _tell(conn, follower)
                follower.close()
    except OSError as error:
        raise Unreachable(f"{doing}: {error.strerror}", "is the disk full?") from None
    except psycopg.OperationalError as error:
        raise Unreachable(f"{doing}: postgres: {type(error).__name__}") from None
    if told:
        log.info("%s: %d lines that a crash kept from it are there now", doing, told)
    return told


def _catch_up(conn: Connection, follower: Follower) -> None:
    """Index all lines; says how far it is, when that takes long."""
    said = time.monotonic()
    while follower.step(conn):
        if time.monotonic() - said > SAY_SECONDS and follower.position:
            said = time.monotonic()
            end = follower.journal.tip.seq
            log.info("%s: line %d of %d is indexed", follower.trail, follower.position.seq, end)


def _tell(conn: Connection, follower: Follower) -> int:
    """Write what no line tells of, and that the trail goes on."""
    told = 0
    if follower.journal.tip.seq:
        for untold in (_identities, _check_ins):
            before: list[dict[str, Any]] = []
            while events := list(untold(conn, follower)):
                if _what(events) == _what(before):
                    raise Diverged(
                        f"{follower.journal.path}: {len(events)} lines do not become rows",
                        "abode audit verify",
                    )
                _write(conn, follower, events)
                told, before = told + len(events), events
    state_id, lifecycle_id = conn.execute(SQL["newest"]).fetchone() or (0, 0)
    opened = {"state_id": state_id, "lifecycle_id": lifecycle_id}
    opened |= {"told_late": told, "version": VERSION}
    _write(conn, follower, [event(None, "trail_opened", opened)])
    return told


def _identities(conn: Connection, follower: Follower) -> Iterator[dict[str, Any]]:
    """Agents that became known."""
    since = follower.position.lifecycle_id if follower.position else 0
    found = conn.execute(SQL["untold_identities"], {"lifecycle_id": since, "limit": LIMIT})
    for _, agent, occurred_at in found:
        yield _late(agent, "identity_created", occurred_at, {})


def _check_ins(conn: Connection, follower: Follower) -> Iterator[dict[str, Any]]:
    """Check-ins that were committed."""
    since = follower.position.state_id if follower.position else 0
    found = conn.execute(SQL["untold_check_ins"], {"state_id": since, "limit": LIMIT})
    names = ("state_id", "boot_id", "seq", "sha256", "action", "margin", "risk")
    for agent, received_at, *rest in found:
        yield _late(agent, "check_in", received_at, dict(zip(names, rest, strict=True)))


def _what(events: list[dict[str, Any]]) -> list[Any]:
    return [(each["agent_id"], each["event_type"], each["payload"]) for each in events]


def _late(agent: str, kind: str, at: datetime, payload: dict[str, Any]) -> dict[str, Any]:
    """An event of another time; its line says so."""
    return event(agent, kind, {**payload, "told_late": True}, at.astimezone(UTC))


def _write(conn: Connection, follower: Follower, events: list[dict[str, Any]]) -> None:
    follower.journal.write([to_json(each) for each in events])
    _catch_up(conn, follower)
