"""Bring events and calls of tools over: rows of an old table, or lines of an old file."""

import json
from collections import defaultdict
from collections.abc import Callable
from typing import Any, Final

from apps.legacy import keyset, lines
from apps.legacy.bring import table_of
from apps.legacy.ledger import Rejects
from apps.legacy.months import Kind, Months, Told
from apps.legacy.row import cell, made_id, own_id, with_beside
from apps.legacy.source import opened
from apps.legacy.stage import named, text
from apps.legacy.work import Work
from apps.legacy.zone import Clock

CUTS: Final[dict[Kind, tuple[lines.Cut, lines.Cut]]] = {
    "events": (lines.cut_audit, lines.parse_audit),
    "tool_usage": (lines.cut_usage, lines.parse_usage),
}
ROWS: Final[dict[str, tuple[str, ...]]] = {
    "events": ("timestamp", "agent_id", "event_type", "details_json"),
    "tool_usage": (
        "timestamp", "agent_id", "session_id", "tool_name", "latency_ms", "success",
        "error_type", "payload_json",
    ),
}  # fmt: skip
"""Columns of an old table that have a place; its others are kept beside."""
Made = Callable[[dict[str, Any], Clock], tuple[str, str]]


def bring_lines(work: Work, months: Months) -> None:
    """Lines that came since; from the first one when it is another file than it was."""
    at, head = work.at, lines.head(work.path)
    cut, parse = CUTS[months.kind]
    if at.head != head or at.after is None or at.after[0] > work.path.stat().st_size:
        with work.db.transaction():
            at.forget(work.db)
            at.after, at.head = [0, 1], head
            at.read = at.taken = at.rejected = work.clock.folds = work.clock.gaps = 0
            work.moved(0)
    again = str(at.after[1])
    for block in lines.blocks(work.path, int(at.after[0]), int(at.after[1])):
        made, rejects = lines.rows(block, cut, parse, work.clock)
        size = sum(map(len, block.lines)) + len(block.lines)
        with work.db.transaction():
            if block.number == int(again):
                at.rejected -= at.forget(work.db, again)
            months.add(at, made)
            at.reject(work.db, rejects)
            # What its writer has not ended is read again when it has.
            open_bytes = len(block.lines[-1]) + 1 if block.torn else 0
            ended = len(block.lines) - block.torn
            at.after = [block.offset + size - open_bytes, block.number + ended]
            work.moved(ended)
        work.say(len(block.lines))


def bring_rows(work: Work, months: Months) -> None:
    """Rows of an old table, from where it was left."""
    at, kind = work.at, months.kind
    old = table_of(work.path, "audit_events" if kind == "events" else "tool_usage")
    with opened(work.path) as file:
        there = keyset.columns(file, old.name)
        wanted = [t.old for t in old.takes if t.old in there and t.how != "follows"]
        quoted = [f'"{name}"' for name in wanted]
        for piece in keyset.pieces(file, f'"{old.name}"', quoted, old.key, at.after):
            made: dict[str, list[Told]] = defaultdict(list)
            rejects: Rejects = []
            for row in piece.rows:
                key = named(row[len(wanted) :])
                try:
                    month, told = _row(kind, dict(zip(wanted, row, strict=False)), work.clock)
                except ValueError as error:
                    rejects.append((key, str(error)))
                else:
                    made[month].append((key, told))
            with work.db.transaction():
                months.add(at, made)
                at.reject(work.db, rejects)
                at.after = piece.after or at.after
                work.moved(len(piece.rows))
            work.say(len(piece.rows))


def _row(kind: Kind, told: dict[str, Any], clock: Clock) -> tuple[str, str]:
    """Its month, and it in COPY's text form; what it says is parsed by Postgres."""
    values = {name: None if v is None else text(v, name) for name, v in told.items()}
    places, says = ROWS[kind], ROWS[kind][-1]
    if values["timestamp"] is None:
        raise ValueError("timestamp: is null")
    instant, month = clock.placed(values["timestamp"])
    given = told.get("event_id") if kind == "events" else told.get("usage_id")
    own = own_id(given)
    payload = (values[says] or "{}").strip()
    if not (payload.startswith("{") and payload.endswith("}")):
        raise ValueError(f"{says}: is no object")
    if lines.OWN in payload and "beside" in json.loads(payload):
        raise ValueError(f"{says}: has a key beside of its own")
    beside = {
        name: value
        for name, value in told.items()
        if value is not None and name not in places and given_is_kept(name, own)
    }
    what = json.dumps(beside, allow_nan=False)[1:-1]
    made = own or made_id(_content(values, places))
    rest = [values.get(name) for name in places[1:-1]]
    row = [made, instant, *rest, with_beside(payload, what)]
    return month, "\t".join(map(cell, row)) + "\n"


def given_is_kept(name: str, own: str | None) -> bool:
    """Whether a column is kept beside: an id that is one already has its place."""
    return not (own and name in {"event_id", "usage_id"})


def _content(values: dict[str, str | None], places: tuple[str, ...]) -> bytes:
    """What makes an id: the hash that the old writer gave it, else what it says."""
    if values.get("raw_hash"):
        return str(values["raw_hash"]).encode()
    said = [values.get(name) for name in (*places, "confidence", "usage_id", "event_id")]
    return json.dumps(said).encode()
