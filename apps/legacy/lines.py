"""Lines of an old file as rows: a line as its writer wrote it is cut, any other is parsed."""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, NamedTuple

from apps.legacy.ledger import Rejects
from apps.legacy.marks import KEY
from apps.legacy.months import Told
from apps.legacy.row import cell, made_id, own_id, with_beside
from apps.legacy.texts import LINE_BYTES
from apps.legacy.zone import TIME, Clock
from schemas.legacy.files import AUDIT_LOG, TOOL_USAGE

BLOCK_BYTES: Final = 4 << 20
HEAD_BYTES: Final = 4096
STRING: Final = r'"([^"\\\x00-\x1f]*)"'
AT: Final = rf'"({TIME})"'
AUDIT: Final = re.compile(
    rf'\{{"timestamp": {AT}, "agent_id": {STRING}, "event_type": {STRING}, '
    r'"confidence": (-?[0-9][-+.0-9e]*), "details": (\{.*\}), "metadata": (null|\{.*\})'
    r'(, "session_id": (?:null|"[^"\\\x00-\x1f]*"))?\}',
    re.ASCII,
)
USAGE: Final = re.compile(
    rf'\{{"timestamp": {AT}, "tool_name": {STRING}, "agent_id": (?:null|{STRING}), '
    rf'"success": (true|false), "error_type": (?:null|{STRING})\}}',
    re.ASCII,
)
OWN: Final = '"beside"'
"""Where a line says this itself it is parsed, so that nothing of it is lost."""
Cut = Callable[[str, bytes, Clock], tuple[str, str] | None]
Parse = Callable[[str, bytes, Clock], tuple[str, str]]


class NoRow(ValueError):
    """What a line says is no row."""


class Block(NamedTuple):
    """Lines, where they begin, how many bytes are ended lines, and whether the last is torn off."""

    lines: list[bytes]
    offset: int
    number: int
    size: int
    torn: bool


def blocks(path: Path, offset: int, number: int) -> Iterator[Block]:
    """From a line's beginning to the file's end, in pieces; the number is that of its line.

    Of a line that is longer than any that was written only the beginning is kept.
    """
    with path.open("rb") as file:
        file.seek(offset)
        while body := file.read(BLOCK_BYTES):
            if not body.endswith(b"\n"):
                body += file.readline(LINE_BYTES)
            more, torn = 0, not body.endswith(b"\n")
            while torn and (rest := file.readline(LINE_BYTES)):
                more, torn = more + len(rest), not rest.endswith(b"\n")
            lines = body.removesuffix(b"\n").split(b"\n")
            size = len(body) + more - (len(lines[-1]) + more if torn else 0)
            yield Block(lines, offset, number, size, torn)
            offset, number = offset + len(body) + more, number + len(lines)


def head(path: Path) -> str:
    """What tells whether a file of lines is the one that was read before."""
    with path.open("rb") as file:
        return sha256(file.readline(HEAD_BYTES)).hexdigest()


def rows(
    block: Block, cut: Cut, parse: Parse, clock: Clock
) -> tuple[dict[str, list[Told]], Rejects]:
    """Rows by month, and what is none."""
    made: dict[str, list[Told]] = defaultdict(list)
    rejects: Rejects = []
    for number, body in enumerate(block.lines, block.number):
        try:
            line = body.decode()
            found = (None if OWN in line else cut(line, body, clock)) or parse(line, body, clock)
        except (ValueError, RecursionError) as error:
            if body.strip():
                rejects.append((str(number), _why(error)))
            continue
        made[found[0]].append((number, found[1]))
    return made, rejects


def cut_audit(line: str, body: bytes, clock: Clock) -> tuple[str, str] | None:
    """As the old writer writes it, or nothing.

    Postgres parses what it says: cut in a wrong place it would be no JSON.
    """
    found = AUDIT.fullmatch(line)
    if found is None:
        return None
    at, agent, event, confidence, details, metadata, session = found.groups()
    instant, month = clock.plain(at)
    beside = f'"confidence": {confidence}'
    if metadata != "null":
        beside += f', "metadata": {metadata}'
    if session is not None and not session.endswith("null"):
        beside += session
    payload = with_beside(details, beside)
    if "\\" in payload:
        payload = payload.replace("\\", "\\\\")
    return month, f"{made_id(body)}\t{instant}\t{agent}\t{event}\t{payload}\n"


def parse_audit(line: str, body: bytes, clock: Clock) -> tuple[str, str]:
    """Any other line; keys that nobody knows are kept beside."""
    told = _object(line)
    lacking = AUDIT_LOG.keys - told.keys()
    if lacking:
        raise NoRow(f"lacks {', '.join(sorted(lacking))}")
    details = told.pop("details")
    if not isinstance(details, dict):
        raise NoRow("details: is no object")
    if "beside" in details:
        raise NoRow("details: has a key beside of its own")
    instant, month = _placed(told.pop("timestamp"), clock)
    agent, event = _name(told, "agent_id", none=True), _name(told, "event_type")
    if (house := _ours(told)) is not None:
        return month, _row(house["event_id"], instant, agent, event, json.dumps(details))
    beside = {key: value for key, value in told.items() if value is not None}
    payload = details | ({"beside": beside} if beside else {})
    return month, _row(made_id(body), instant, agent, event, json.dumps(payload))


def cut_usage(line: str, body: bytes, clock: Clock) -> tuple[str, str] | None:
    """As the old writer writes it, or nothing."""
    found = USAGE.fullmatch(line)
    if found is None:
        return None
    at, tool, agent, success, error = found.groups()
    instant, month = clock.plain(at)
    values = (None, tool, None, success, error, "{}")
    return month, _row(made_id(body), instant, agent, *values)


def parse_usage(line: str, body: bytes, clock: Clock) -> tuple[str, str]:
    """Any other line."""
    told = _object(line)
    lacking = TOOL_USAGE.keys - told.keys()
    if lacking:
        raise NoRow(f"lacks {', '.join(sorted(lacking))}")
    instant, month = _placed(told.pop("timestamp"), clock)
    agent, tool = _name(told, "agent_id", none=True), _name(told, "tool_name")
    error, success = _name(told, "error_type", none=True), told.pop("success")
    if not isinstance(success, bool):
        raise NoRow("success: is neither true nor false")
    if (house := _ours(told)) is not None:
        payload = json.dumps(house.get("payload") or {})
        said = (house.get("session_id"), tool, house.get("latency_ms"), str(success).lower(),
                error, payload)  # fmt: skip
        return month, _row(house["usage_id"], instant, agent, *said)
    beside = {key: value for key, value in told.items() if value is not None}
    payload = json.dumps({"beside": beside} if beside else {})
    said = (None, tool, None, str(success).lower(), error, payload)
    return month, _row(own_id(told.get("usage_id")) or made_id(body), instant, agent, *said)


def _ours(told: dict[str, Any]) -> dict[str, Any] | None:
    """What a line of the house says of it that the file's own keys cannot."""
    said = told.get(KEY)
    is_ours = isinstance(said, dict) and any(
        own_id(said.get(name)) for name in ("event_id", "usage_id")
    )
    return said if is_ours else None


def _row(*values: object) -> str:
    return "\t".join(map(cell, values)) + "\n"


def _object(line: str) -> dict[str, Any]:
    told = json.loads(line)
    if not isinstance(told, dict):
        raise NoRow("is no JSON object")
    return told


def _placed(at: object, clock: Clock) -> tuple[str, str]:
    if not isinstance(at, str):
        raise NoRow("timestamp: is no text")
    return clock.placed(at)


def _name(told: dict[str, Any], key: str, *, none: bool = False) -> str | None:
    value = told.pop(key)
    if value is None and none:
        return None
    if not isinstance(value, str):
        raise NoRow(f"{key}: is no text")
    if "\0" in value or any("\ud800" <= each <= "\udfff" for each in value):
        raise NoRow(f"{key}: holds what no text may")
    return value


def _why(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return "is no JSON object"
    return "is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
