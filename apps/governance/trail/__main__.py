"""python -m apps.governance.trail verify | reindex | query: the trails, where their files are."""

import argparse
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from pydantic_core import to_json

from apps.governance.settings import DataSettings, data_settings
from apps.governance.trail.follow import SQL, Connection
from apps.governance.trail.reindex import reindex
from apps.governance.trail.verify import Verified, known, verify
from apps.postgres import alone, place
from schemas import ports
from schemas.errors import Diverged, HouseError, Refused, Unreachable
from schemas.governance.audit import Trail

STATEMENT_TIMEOUT_MS = 120_000
TRIES = 5
NAMES = ("event_id", "recorded_at", "agent_id", "event_type", "payload")
Told = list[dict[str, Any]]


def main(argv: list[str] | None = None) -> int:
    """JSON on stdout; exit 0, or 4 when a trail is not what was written, or an error's own."""
    asked = _parser().parse_args(argv)
    try:
        told = data_settings(os.environ)
        found, whole = _do(asked, told)
    except HouseError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    sys.stdout.buffer.write(to_json(found, indent=1) + b"\n")
    return 0 if whole else Diverged.exit_code


def _do(asked: argparse.Namespace, told: DataSettings) -> tuple[Told, bool]:
    try:
        with alone(told.postgres, STATEMENT_TIMEOUT_MS) as conn:
            return VERBS[asked.verb](conn, asked, told)
    except psycopg.errors.InsufficientPrivilege as error:
        raise Refused(f"postgres: {error.diag.message_primary}") from None
    except psycopg.OperationalError:
        raise Unreachable(f"postgres at {place(told.postgres)}: does not answer") from None
    except OSError as error:
        raise Unreachable(f"{error.filename or 'trails'}: {error.strerror}") from None


def _verify(conn: Connection, asked: argparse.Namespace, told: DataSettings) -> tuple[Told, bool]:
    found = [_verified(conn, trail, told) for trail in asked.trail or Trail]
    return [each.model_dump() for each in found], all(each.is_whole for each in found)


def _verified(conn: Connection, trail: Trail, told: DataSettings) -> Verified:
    """A day may be renamed or packed while it is read; then all is read again."""
    for _ in range(TRIES):
        try:
            return verify(trail, _file(told, trail), known(conn, trail))
        except FileNotFoundError:
            continue
    raise Unreachable(f"{_file(told, trail)}: its files change all the while", "try again")


def _reindex(conn: Connection, asked: argparse.Namespace, told: DataSettings) -> tuple[Told, bool]:
    def say(said: str) -> None:
        sys.stderr.write(f"{said}\n")

    found = [reindex(conn, trail, _file(told, trail), say) for trail in asked.trail or Trail]
    whole = not any(each.refused or each.spoilt for each in found)
    return [each.model_dump() for each in found], whole


def _query(conn: Connection, asked: argparse.Namespace, _: DataSettings) -> tuple[Told, bool]:
    wanted: Mapping[str, Any] = {
        "agent": asked.agent,
        "kind": asked.type,
        "since": asked.since,
        "until": asked.until,
        "limit": asked.limit,
        "after_at": None,
        "after_id": None,
    }
    rows = conn.execute(SQL["events"], wanted).fetchall()
    return [dict(zip(NAMES, row, strict=True)) for row in rows], True


VERBS = {"verify": _verify, "reindex": _reindex, "query": _query}


def _file(told: DataSettings, trail: Trail) -> Path:
    audit_log = told.audit_log or Path(ports.AUDIT_LOG)
    if trail is Trail.AUDIT_LOG:
        return audit_log
    return audit_log.with_name(f"{trail}{audit_log.suffix}")


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m apps.governance.trail", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb, says in (
        ("verify", "read every line; exit 4 when one was changed, removed, added or cut"),
        ("reindex", "make the rows that are missing out of the files"),
    ):
        one = verbs.add_parser(verb, help=says)
        one.add_argument("trail", nargs="*", type=Trail, help="audit_log, tool_usage; else both")
    query = verbs.add_parser("query", help="events, the newest first")
    query.add_argument("--agent")
    query.add_argument("--type")
    query.add_argument("--since", type=_instant, help="an instant; without an offset it is UTC")
    query.add_argument("--until", type=_instant)
    query.add_argument("--limit", type=int, default=20)
    return parser


if __name__ == "__main__":
    sys.exit(main())
