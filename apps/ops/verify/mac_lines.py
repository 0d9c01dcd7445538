"""The Mac's lines: its stores answer, and hold the check-in and its agent as they must."""

from datetime import UTC, datetime
from typing import Any, Final

from apps.ops.verify.asked import Key, Mac, Told
from apps.ops.verify.found import Found, Lines, instant, seconds
from apps.ops.verify.graph_line import PROBE, of_graph
from apps.ops.verify.trail_lines import of_event, of_line
from schemas.governance import keys
from schemas.governance.limits import LIVE_SECONDS

CALL_SECONDS: Final = 2.0
"""Between a call's instant in Redis and its row's."""


def of_mac(told: Mac, mark: Key | None, sha256: str | None) -> Lines:
    """The Mac's own stores, and what they hold of the check-in."""
    row = row_of(told, mark)
    return {
        "postgres": _postgres(told.rows),
        "redis": _redis(told.redis, row),
        "governance": _governance(told.health),
        "core.agent_state": _row(told.rows, row, sha256),
        "audit_log.jsonl": of_line(told.trail, row, sha256),
        "audit.events": of_event(told.rows, row, told.trail),
        "governance_graph": of_graph(told.rows, told.vertices, told.health),
    }


def row_of(told: Mac, key: Key | None) -> dict[str, Any] | None:
    """The row of core.agent_state with this key."""
    if key is None or told.rows.said is None:
        return None
    rows = told.rows.said["states"]
    return next((row for row in rows if (row["boot_id"], row["seq"]) == key), None)


def _postgres(rows: Told) -> Found:
    if rows.said is None:
        return Found("", {}, rows.reason, silent=True)
    version = rows.said["migration"]
    return Found(f"answers, at migration {version}", {"migration": version})


def _redis(told: Told, row: dict[str, Any] | None) -> Found:
    if told.reason is not None or not told.said or told.said[0] != "PONG":
        said = told.said[0] if told.said else "says nothing"
        return Found("", {}, told.reason or said, silent=True)
    if row is None or row["late"]:
        return Found("answers", {})
    received = instant(row["received_at"])
    age = (datetime.now(UTC) - received).total_seconds()
    is_live = seconds(row["received_at"], row["recorded_at"]) < LIVE_SECONDS
    if not is_live or age > (keys.CALLS.lifetime_seconds or 0):
        return Found("answers; the check-in is none that it counts now", {})
    calls = [int(each) / 1000 for each in told.said[1:] if each.isdecimal()]
    away = min((abs(call - received.timestamp()) for call in calls), default=None)
    evidence = {"key": keys.CALLS.pattern, "calls": len(calls), "seconds_apart": away}
    if away is None or away > CALL_SECONDS:
        return Found("", evidence, "answers, and has not counted the check-in")
    return Found(f"counted the check-in, {away:.1f} s from its row", evidence)


def _governance(health: Told) -> Found:
    if health.said is None:
        return Found("", {}, health.reason, silent=True)
    status = health.said["status"]
    troubled = {name: each["detail"] for name, each in health.said["checks"].items()
                if each["status"] != "healthy"}  # fmt: skip
    evidence = {"status": status, "version": health.said["version"], "troubled": troubled}
    errors = {name: each["detail"] for name, each in health.said["checks"].items()
              if each["status"] == "error" and name != PROBE}  # fmt: skip
    if errors:
        return Found("", evidence, "; ".join(f"{name}: {why}" for name, why in errors.items()))
    told = f"; not healthy: {', '.join(troubled)}" if troubled else ""
    return Found(f"is {status}{told}", evidence)


def _row(rows: Told, row: dict[str, Any] | None, sha256: str | None) -> Found:
    if rows.said is None:
        return Found("", {}, rows.reason, silent=True)
    if row is None:
        return Found("", {}, "holds no row with this key")
    names = ("state_id", "recorded_at", "received_at", "sha256", "action")
    evidence = {name: row[name] for name in names}
    if sha256 is not None and row["sha256"] != sha256:
        return Found("", evidence, f"holds another body: the Pi's has {sha256[:12]}")
    same = ", of the very bytes in the outbox" if sha256 else ""
    return Found(f"row {row['state_id']}, received {row['received_at'][11:19]}Z{same}", evidence)
