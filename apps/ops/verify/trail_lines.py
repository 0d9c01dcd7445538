"""The lines of the trail: the sealed one in the file, and the row that its index made of it."""

import json
from typing import Any

from apps.governance.trail.line import is_sealed, link
from apps.ops.verify.asked import Told
from apps.ops.verify.found import Found, instant

Row = dict[str, Any]


def of_line(trail: Told, row: Row | None, sha256: str | None) -> Found:
    """The line that tells of the check-in is sealed, follows its neighbour, and tells of it."""
    if trail.said is None:
        return Found("", {}, trail.reason, silent=True)
    text, evidence = trail.said["line"], {"file": trail.said["file"]}
    if text is None:
        return Found("", {}, "no line tells of the check-in")
    told, line = link(text.encode()), sealed(trail)
    if told is None or line is None:
        return Found("", evidence, "the line is not what its hash was made of")
    evidence |= {"seq": told.seq, "hash": told.hash, "event_id": line["event_id"]}
    before = link(trail.said["before"].encode()) if trail.said["before"] else None
    if before is not None and (before.seq + 1, before.hash) != (told.seq, told.prev):
        return Found("", evidence, f"line {told.seq} does not follow the one before it")
    wanted = sha256 or (row["sha256"] if row else None)
    if wanted is not None and line["payload"]["sha256"] != wanted:
        return Found("", evidence, "the line tells of another body")
    return Found(f"line {told.seq} of {trail.said['file']}, sealed and chained", evidence)


def sealed(trail: Told) -> Row | None:
    """The audit line; None unless it is there and what its hash was made of."""
    text = ((trail.said or {}).get("line") or "").encode()
    told = link(text)
    if told is None or not is_sealed(text, told):
        return None
    line: Row = json.loads(text)
    return line


def of_event(rows: Told, row: Row | None, trail: Told) -> Found:
    """The index has the check-in once, and as its line says it."""
    if rows.said is None:
        return Found("", {}, rows.reason, silent=True)
    events, line = rows.said["events"], sealed(trail)
    evidence: Row = {"rows": len(events)}
    if len(events) != 1:
        return Found("", evidence, f"holds {len(events)} rows of the check-in, not one")
    event = events[0]
    evidence |= {"event_id": event["event_id"]}
    if row is not None and event["payload"].get("sha256") != row["sha256"]:
        return Found("", evidence, "tells of another body than core.agent_state")
    if line is not None and (other := _other(event, line)):
        return Found("", evidence, f"{other} is not as in audit_log.jsonl")
    compared = "as its line says it" if line else "its line could not be compared"
    return Found(f"one row, {event['event_id']}, {compared}", evidence)


def _other(event: dict[str, Any], line: dict[str, Any]) -> str | None:
    """The first member in which a row is not what its line says."""
    for name in ("event_id", "agent_id", "event_type", "payload"):
        if event[name] != line.get(name):
            return name
    return None if instant(event["recorded_at"]) == instant(line["recorded_at"]) else "recorded_at"
