"""Events and calls of tools, appended to the old tables, or to the old files of lines.

Each says which row of the house it is, so that it comes back as that row (``apps.legacy.marks``).
"""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from apps.legacy import marks
from apps.legacy.back.inverse import Local, Row
from apps.legacy.back.old import Old
from apps.legacy.verify.canonical import canonical
from apps.sqlite import sync_directory


def event(old: Old, row: Row) -> None:
    """A row of either writer's table; its id stands where a hash would, and is unique there."""
    table = "audit_events"
    values = {
        "timestamp": old.local.text(row["recorded_at"]), "event_type": row["event_type"],
        "agent_id": row["agent_id"] or "", "confidence": 1.0,
        "details_json": canonical(row["payload"]), "raw_hash": marks.event(row["event_id"]),
    }  # fmt: skip
    if old.mapping(table).variant == "B":
        values["event_id"] = row["event_id"]
    old.insert(table, values)


def call(old: Old, row: Row, there: set[str]) -> None:
    """A row of the second writer's table, under its own id, unless it is there."""
    if row["usage_id"] in there:
        return
    old.insert("tool_usage", {
        "timestamp": old.local.text(row["recorded_at"]), "usage_id": row["usage_id"],
        "agent_id": row["agent_id"], "session_id": row["session_id"],
        "tool_name": row["tool_name"], "latency_ms": row["latency_ms"],
        "success": None if row["success"] is None else int(row["success"]),
        "error_type": row["error_type"], "payload_json": canonical(row["payload"]),
    })  # fmt: skip


def line_of_event(row: Row, local: Local) -> str:
    """As the old writer writes it, and its id."""
    return _line({
        "timestamp": local.text(row["recorded_at"]), "agent_id": row["agent_id"],
        "event_type": row["event_type"], "confidence": 1.0, "details": row["payload"],
        "metadata": None, marks.KEY: {"event_id": row["event_id"]},
    })  # fmt: skip


def line_of_call(row: Row, local: Local) -> str:
    """As the old writer writes it, and what it had no key for."""
    return _line({
        "timestamp": local.text(row["recorded_at"]), "tool_name": row["tool_name"],
        "agent_id": row["agent_id"], "success": bool(row["success"]),
        "error_type": row["error_type"],
        marks.KEY: {
            "usage_id": row["usage_id"], "session_id": row["session_id"],
            "latency_ms": row["latency_ms"], "payload": row["payload"],
        },
    })  # fmt: skip


def append(path: Path, after: int, rows: Iterable[tuple[str, str]]) -> int:
    """Lines that are not there after a byte, by their ids; on the disk when this returns."""
    there = set(_told(path, after))
    new = [line for own, line in rows if own not in there]
    if new:
        mode = path.stat().st_mode
        path.chmod(mode | 0o200)
        try:
            with path.open("ab") as file:
                if file.tell() and not _is_ended(path):
                    file.write(b"\n")
                file.write("".join(new).encode())
                file.flush()
                os.fsync(file.fileno())
        finally:
            path.chmod(mode)
        sync_directory(path.parent)
    return len(new)


def _told(path: Path, after: int) -> Iterable[str]:
    with path.open("rb") as file:
        file.seek(after)
        for body in file:
            if marks.KEY.encode() in body:
                try:
                    said: Any = json.loads(body).get(marks.KEY)
                except (ValueError, AttributeError):
                    continue  # Torn by a power cut: told again, on a line of its own.
                if isinstance(said, dict):
                    yield str(said.get("event_id") or said.get("usage_id"))


def _is_ended(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def _line(told: dict[str, Any]) -> str:
    """The keys in the old writer's order, each value as canonical JSON."""
    pairs = [f"{json.dumps(key)}: {canonical(value)}" for key, value in told.items()]
    return f"{{{', '.join(pairs)}}}\n"
