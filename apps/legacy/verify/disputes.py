"""Disputes and what was said in them, as the house should hold them.

``imported_json`` is not derived: with it, the house must give the old file back as it was.
"""

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from apps.legacy.verify.agents import spoken_of
from apps.legacy.verify.canonical import (
    Cells,
    Instants,
    Number,
    Unfit,
    canonical,
    key_of,
    parse,
    text,
)
from apps.legacy.verify.old import Given, Row
from apps.legacy.verify.rows import Values, plain
from apps.legacy.verify.scratch import Scratch
from apps.legacy.verify.targets import DISCOVERIES, DISPUTES, MESSAGES, Target
from schemas.governance.dialectic import (
    DisputeKind,
    Outcome,
    Phase,
    SessionKind,
    Standing,
)
from schemas.legacy.shape import OldTable

ENDS: Final = {"resolved": "resolved", "escalated": "escalated", "failed": "failed"}
OVER: Final = "timeout"
"""One that did not end there has run out of time since."""
ROUNDS: Final = 5
LIMIT: Final = 2**31


def document(table: OldTable, row: Values) -> Values:
    """A row as the file that it would have been."""
    told: Values = {}
    for take in table.takes:
        value = row.get(take.old)
        if value is None:
            continue
        told[take.old.removesuffix("_json")] = (
            parse(text(value) or "") if take.how in ("object", "array") else plain(value)
        )
    return told


def session(
    scratch: Scratch, table: OldTable, instant: Instants
) -> Any:  # fmt: skip
    """A row of the old table."""

    def _session(row: Values, _: frozenset[str]) -> Iterator[Row]:
        told = document(table, row)
        updated = instant(told.pop("updated_at", None))
        rounds = told.get("max_synthesis_rounds")
        if _count(rounds, 1) is not None:
            told.pop("max_synthesis_rounds")
        yield from _with_agents(_dispute(scratch, told, instant, updated, _count(rounds, 1)))

    return _session


def _dispute(
    scratch: Scratch, told: Values, instant: Instants, updated: str | None, rounds: int | None
) -> Row:
    resolution = _of(dict, told.get("resolution"))
    created = instant.needed(told.get("created_at"))
    phase = _word(Phase, told.get("phase")) or "thesis"
    status = _word(Standing, told.get("status"))
    spoken = [instant.needed(each.get("timestamp")) for each in told.get("transcript", ())]
    discovery = _of(str, told.get("discovery_id"))
    is_there = discovery is not None and scratch.cells("found", DISCOVERIES, discovery) is not None
    ended = (resolution or {}).get("timestamp")
    cells = {
        "session_type": _word(SessionKind, told.get("session_type")) or "recovery",
        "phase": phase,
        "status": ENDS.get(phase, OVER) if status in (None, "active") else status,
        "paused_agent_id": told.get("paused_agent_id"),
        "dispute_type": _word(DisputeKind, told.get("dispute_type")),
        "discovery_id": discovery if is_there else None,
        "synthesis_round": str(_count(told.get("synthesis_round"), 0) or 0),
        "max_synthesis_rounds": str(rounds or ROUNDS),
        "paused_agent_state_json": _json(dict, told.get("paused_agent_state")),
        "resolution_action": _word(Outcome, (resolution or {}).get("action")),
        "resolution_json": None if resolution is None else canonical(resolution),
        "created_at": created,
        "updated_at": updated or max([created, *spoken]),
        "resolved_at": instant(ended) if isinstance(ended, str) else None,
        "imported_json": canonical(told | {"transcript": []}),
        **{name: _of(str, told.get(name)) for name in ("reviewer_agent_id", "topic", "reason")},
    }
    return _row(DISPUTES, str(told.get("session_id")), cells)


def message(table: OldTable, instant: Instants) -> Any:
    """A row of the old table, with its place."""

    def _message(row: Values, _: frozenset[str]) -> Iterator[Row]:
        told = document(table, row)
        session_id = told.pop("session_id", None)
        told["phase"] = told.pop("message_type", None)
        yield from _with_agents(_word_of(session_id, row["seq"], told, instant))

    return _message


def _word_of(session_id: Any, seq: int, told: Values, instant: Instants) -> Row:
    if not isinstance(session_id, str):
        raise Unfit("session_id: is no text")
    agrees = told.get("agrees")
    said = {"0": "false", "1": "true", False: "false", True: "true"}
    cells = {
        "agent_id": told.get("agent_id"),
        "message_type": told.get("phase"),
        "recorded_at": instant.needed(told.get("timestamp")),
        "root_cause": _of(str, told.get("root_cause")),
        "proposed_conditions": _json(list, told.get("proposed_conditions")),
        "reasoning": _of(str, told.get("reasoning")),
        "observed_metrics": _json(dict, told.get("observed_metrics")),
        "concerns": _json(list, told.get("concerns")),
        "agrees": said.get(agrees) if isinstance(agrees, Number | bool) else None,
        "signature": _of(str, told.get("signature")),
        "imported_json": canonical(told),
    }
    return _row(MESSAGES, key_of(session_id, str(seq)), cells)


def file(path: Path) -> Iterator[Given]:
    """One dispute with all that was said in it."""
    told = parse(path.read_text("utf-8"))
    yield Given(str(told.get("session_id"))[:200], 0, 0, told)


def whole(scratch: Scratch, instant: Instants) -> Any:
    """It and its messages, unless a table or a file before it told of it."""

    def _whole(told: Values, _: frozenset[str]) -> Iterator[Row]:
        key = str(told.get("session_id"))
        scratch.index("told", DISPUTES)
        if scratch.cells("told", DISPUTES, key) is not None:
            return
        dispute = _dispute(scratch, told, instant, None, None)
        words = [_word_of(key, seq, said, instant) for seq, said in enumerate(told["transcript"])]
        created = dispute.cells[DISPUTES.columns.index("created_at")]
        for row in (dispute, *words):
            yield from _with_agents(row, created)

    return _whole


def _with_agents(row: Row, at: str | None = None) -> Iterator[Row]:
    """And whom it names: known since it was said, or since its file began."""
    yield row
    told = dict(zip(row.target.columns, row.cells, strict=True))
    at = at or told.get("recorded_at") or told.get("created_at")
    for name in ("agent_id", "paused_agent_id", "reviewer_agent_id"):
        if told.get(name) and at:
            yield spoken_of(str(told[name]), at)


def _row(target: Target, key: str, cells: dict[str, str | None]) -> Row:
    told: Cells = [cells.get(name) for name in target.columns]
    return Row(target, key, told)


def _word(words: type[StrEnum], told: Any) -> str | None:
    return str(told) if type(told) is str and told in set(words) else None


def _of(kind: type, told: Any) -> Any:
    return told if type(told) is kind else None


def _json(kind: type, told: Any) -> str | None:
    return canonical(told) if type(told) is kind else None


def _count(told: Any, low: int) -> int | None:
    """A whole number that the house can hold."""
    if not isinstance(told, Number) or not told.removeprefix("-").isdigit():
        return None
    return int(told) if low <= int(told) < LIMIT else None
