"""Events and calls of tools, told by rows of an old table or by lines, as the house should."""

import json
import uuid
from collections.abc import Iterator
from hashlib import sha1
from pathlib import Path
from typing import Any, Final

from apps.legacy.marks import KEY, event_of
from apps.legacy.row import NAMESPACE
from apps.legacy.verify.canonical import Instants, Unfit, canonical, parse, real, text
from apps.legacy.verify.old import WHOLE, Given, Row
from apps.legacy.verify.rows import Values, beside, placed, plain
from apps.legacy.verify.targets import EVENTS, USAGE, Target
from schemas.legacy.files import AUDIT_LOG, TOOL_USAGE
from schemas.legacy.shape import OldFile, OldTable

LINE_BYTES: Final = 20 << 20


def event(table: OldTable, row: Values, instant: Instants, _: frozenset[str]) -> Row:
    """A row of either writer's events or calls."""
    told = placed(table, row, instant)
    target = USAGE if table.name == "tool_usage" else EVENTS
    (own,) = (take.old for take in table.takes if take.how == "uuid")
    name = as_uuid(row.get(own))
    if house := event_of(row.get("raw_hash")):
        told["agent_id"] = told["agent_id"] or None
        return _row(target, told, {}, house)
    more = beside(table, row)
    if name is None and row.get(own) is not None:
        more[own] = plain(row[own])
    said = str(row["raw_hash"]) if row.get("raw_hash") else _content(table, row)
    return _row(target, told, more, name or made(said.encode()))


def _content(table: OldTable, row: Values) -> str:
    """What makes an id when no hash does: all that it says, first what has its own column."""
    ours = [t for t in table.takes if t.old in row and t.how != "follows" and t.old != "id"]
    apart = [t for t in ours if t.how in ("beside", "json", "uuid")]
    return json.dumps([row[t.old] for t in (*(t for t in ours if t not in apart), *apart)])


def _row(target: Target, told: Values, more: Values, name: str) -> Row:
    said = told["payload"]
    said = {} if said is None else parse(said) if isinstance(said, str) else said
    if not isinstance(said, dict) or "beside" in said or told["recorded_at"] is None:
        raise Unfit("it says no object, or its time is null")
    payload = canonical(said | ({"beside": more} if more else {}))
    cells = [_cell(column, told.get(column)) for column in target.columns[:-1]]
    return Row(target, told["recorded_at"], [*cells, payload], name)


def _cell(column: str, value: Any) -> str | None:
    if column == "latency_ms":
        return real(value)
    if column != "success" or value is None:
        return text(value)
    if value not in (0, 1):
        raise Unfit("success: is neither true nor false")
    return "true" if value else "false"


def line(kind: OldFile, body: bytes, instant: Instants) -> Row:
    """A line of either file; keys that nobody knows are kept beside, too."""
    told = parse(body.decode())
    if not isinstance(told, dict) or kind.keys - told.keys():
        raise Unfit("is no object of this kind")
    values: Values = {}
    for take in kind.takes:
        if take.how == "beside" or take.new is None:
            continue
        value = told.pop(take.old, None)
        if value is not None and take.how in ("as-is", "instant") and not isinstance(value, str):
            raise Unfit(f"{take.old}: is no text")
        values[take.new] = instant(value) if take.how == "instant" else value
    if kind is TOOL_USAGE and not isinstance(values["success"], bool):
        raise Unfit("success: is neither true nor false")
    own = "usage_id" if kind is TOOL_USAGE else "event_id"
    house = told.get(KEY)
    if isinstance(house, dict) and as_uuid(house.get(own)):
        return _row(EVENTS if kind is AUDIT_LOG else USAGE, {**house, **values}, {}, house[own])
    name = as_uuid(told.get("usage_id")) if kind is TOOL_USAGE else None
    more = {key: value for key, value in told.items() if value is not None}
    values.setdefault("payload", {})
    if not isinstance(values["payload"], dict):
        raise Unfit("details: is no object")
    return _row(EVENTS if kind is AUDIT_LOG else USAGE, values, more, name or made(body))


def lines(path: Path) -> Iterator[Given]:
    """Every line that is not blank, by its number and where it begins."""
    at = number = 0
    with path.open("rb") as file:
        while body := file.readline(LINE_BYTES):
            number += 1
            if body.strip():
                yield Given(str(number), at, len(body), body.removesuffix(b"\n"))
            at += len(body)


def line_at(path: Path, at: int) -> bytes:
    """A line again."""
    with path.open("rb") as file:
        file.seek(at)
        return file.readline(LINE_BYTES).removesuffix(b"\n")


def made(told: bytes) -> str:
    """The uuid5 of what tells of it."""
    body = bytearray(sha1(NAMESPACE + told, usedforsecurity=False).digest()[:16])
    body[6] = body[6] & 0x0F | 0x50
    body[8] = body[8] & 0x3F | 0x80
    text = body.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def as_uuid(told: Any) -> str | None:
    """An id that is one already."""
    if not isinstance(told, str) or len(told) != WHOLE:
        return None
    try:
        return str(uuid.UUID(told))
    except ValueError:
        return None
