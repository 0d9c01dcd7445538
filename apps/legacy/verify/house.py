"""The house's side: every row of the tables that were filled, as canonical text."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from psycopg import sql

from apps.governance.dialectic import transcript
from apps.legacy.ledger import Db
from apps.legacy.verify.canonical import Cells, canonical, digest, key_of, parse
from apps.legacy.verify.scratch import Found, Scratch
from apps.legacy.verify.targets import CALIBRATION, DISPUTES, MESSAGES, Target
from apps.queries import load

SQL: Final = load(Path(__file__).with_name("house.sql"))
IDS: Final = ("id", "raw_hash", "event_id", "usage_id")
"""Kept beside an event: two old rows that tell of one differ in them only."""
TEXTS: Final = frozenset({"created_at", "recorded_at"})


def look(db: Db, scratch: Scratch, target: Target) -> None:
    """Every row of one table."""
    scratch.find(target, (row for row, _ in found(db, target)))


def found(db: Db, target: Target, at: str | None = None) -> Iterator[tuple[Found, Cells]]:
    """Rows of one table, streamed; of one instant only when it is given."""
    width = len(target.key)
    text = sql.SQL("COPY ({}) TO STDOUT").format(sql.SQL(SQL[target.query].removesuffix(";")))
    with db.cursor().copy(text, {"at": at} if target.named else None) as source:
        for row in source.rows():
            key, rest = key_of(*row[:width]), list(row[width:-2])
            name = rest.pop(0) if target.named else None
            cells = meant(target, row[:width], rest)
            core, full = digests(target, cells)
            kept = None if target.named else json.dumps(cells)
            ours, spoken = (each == "t" for each in row[-2:])
            yield Found(key, core, full, name, ours, spoken, kept), cells


def meant(target: Target, key: tuple[Any, ...], values: list[str | None]) -> Cells:
    """Values as canonical text; what a dispute's file said is put together again."""
    told = dict(zip(target.columns, values, strict=True))
    if target in (DISPUTES, MESSAGES) and told["imported_json"] is not None:
        told["imported_json"] = _said(target, key, told)
    return [
        canonical(parse(value)) if value is not None and name in target.json else value
        for name, value in told.items()
    ]


def digests(target: Target, cells: Cells) -> tuple[bytes, bytes]:
    """What makes it another row, and all of it."""
    full = digest(cells)
    if target is CALIBRATION:
        return full, full
    if not target.named:
        return b"", full
    payload = cells[-1] or ""
    if '"beside"' not in payload or not any(f'"{name}"' in payload for name in IDS):
        return full, full
    told = parse(payload)
    beside = told.get("beside")
    if isinstance(beside, dict):
        more = {name: value for name, value in beside.items() if name not in IDS}
        told = {**told, "beside": more} if more else {k: told[k] for k in told if k != "beside"}
    return digest([*cells[:-1], canonical(told)]), full


def _said(target: Target, key: tuple[Any, ...], told: dict[str, str | None]) -> str:
    """The file of a dispute, or one word of it, as the house gives it back."""
    row: dict[str, Any] = {
        name: json.loads(value) if value is not None and name in target.json else value
        for name, value in told.items()
    }
    for name in TEXTS & told.keys():
        row[name] = datetime.fromisoformat(str(told[name]))
    if target is DISPUTES:
        row |= {"session_id": key[0], "synthesis_round": int(told["synthesis_round"] or 0)}
    else:
        row["agrees"] = {None: None, "true": True, "false": False}[told["agrees"]]
    kept = row["imported_json"]
    try:
        said = _given_back(target, row)
        bare = _given_back(target, row | {"imported_json": None, **NO_WORD})
        is_sound = kept == {"said": kept["said"], "absent": [k for k in bare if k not in said]}
    except (KeyError, TypeError, ValueError):
        is_sound, said = False, {}
    return json.dumps(said if is_sound else {"file": said, "imported_json": kept})


def _given_back(target: Target, row: dict[str, Any]) -> dict[str, Any]:
    if target is DISPUTES:
        return transcript.put_together(row, [])
    words: list[dict[str, Any]] = transcript.put_together(NO_SESSION, [row])["transcript"]
    return words[0]


NO_WORD: Final = {"proposed_action": None, "signature": None}
NO_SESSION: Final[dict[str, Any]] = {
    "session_id": "", "paused_agent_id": "", "reviewer_agent_id": None, "phase": "thesis",
    "synthesis_round": 0, "resolution_json": None, "discovery_id": None, "dispute_type": None,
    "session_type": "recovery", "topic": None, "paused_agent_state_json": None,
    "imported_json": None, "created_at": datetime(2025, 1, 1, tzinfo=UTC),
}  # fmt: skip
"""Around one message, to have it given back."""
