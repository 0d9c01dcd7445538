"""Identities, their sessions, their states and the thresholds, as the house should hold them."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from apps.legacy.verify.canonical import (
    Cells,
    Instants,
    Number,
    Unfit,
    canonical,
    key_of,
    number,
    parse,
    real,
    text,
)
from apps.legacy.verify.old import Row
from apps.legacy.verify.rows import Values, beside, placed, with_beside
from apps.legacy.verify.targets import CALIBRATION, IDENTITIES, SESSIONS, STATE
from schemas.legacy.shape import OldTable

FOLLOWS = 1e-9
"""How near 1 - S a stability must be to say nothing of its own."""
SPOKEN = "spoken"
"""Who has no row of its own became known when it was first spoken of; any who speaks may be it."""


def identity(table: OldTable, row: Values, instant: Instants, lacks: frozenset[str]) -> Row:
    """Who it is; ``lacks`` are old columns that were rejected by themselves."""
    kept = {name: None if name in lacks else value for name, value in row.items()}
    told = placed(table, kept, instant)
    agent, created = text(told["agent_id"]), told["created_at"]
    if not agent or created is None:
        raise Unfit("agent_id or created_at: is empty")
    last = told.get("last_activity_at")
    metadata = with_beside(told.get("metadata"), beside(table, row))
    cells = {
        "status": text(told["status"]),
        "created_at": created,
        "updated_at": told.get("updated_at") or last or created,
        "tags": canonical([_word(each) for each in parse(told["tags"] or "[]")]),
        "metadata": metadata,
        "last_activity_at": last,
        **{
            name: text(told.get(name))
            for name in ("parent_agent_id", "label", "purpose", "notes", "spawn_reason")
        },
    }
    return Row(IDENTITIES, agent, [cells[name] for name in IDENTITIES.columns])


def spoken_of(agent: str, at: str) -> Row:
    """An agent that is only spoken of, by one who speaks of it at that time."""
    told: dict[str, str | None] = {
        "status": "active", "created_at": at, "updated_at": at, "tags": "[]", "metadata": "{}"
    }  # fmt: skip
    return Row(IDENTITIES, agent, [told.get(name) for name in IDENTITIES.columns], SPOKEN)


def folded(told: Sequence[Cells]) -> Cells:
    """Several files tell of one agent: the first word counts, and what it lacks is filled in."""
    first, *others = [dict(zip(IDENTITIES.columns, each, strict=True)) for each in told]
    for other in others:
        first["created_at"] = min(str(first["created_at"]), str(other["created_at"]))
        for name in ("label", "purpose", "notes", "last_activity_at", "spawn_reason",
                     "parent_agent_id"):  # fmt: skip
            first[name] = other[name] if first[name] is None else first[name]
        if first["tags"] == "[]":
            first["tags"] = other["tags"]
        said = parse(str(other["metadata"])) | parse(str(first["metadata"]))
        first["metadata"] = canonical(said)
    return [first[name] for name in IDENTITIES.columns]


def session(table: OldTable, row: Values, instant: Instants, _: frozenset[str]) -> Row:
    """By the SHA-256 of its key; one that says no end, or is not active, ended when last seen."""
    told = placed(table, row, instant)
    created = told["created_at"]
    if told["session_id"] is None or told["identity_id"] is None or created is None:
        raise Unfit("its key, its agent or when it was bound is null")
    last = told.get("last_active") or created
    is_active = str(row.get("is_active")) not in ("None", "0", "")
    ends = (told.get("expires_at") or last) if is_active else last
    metadata = with_beside(told.get("metadata"), beside(table, row))
    return Row(
        SESSIONS, told["session_id"], [text(told["identity_id"]), created, last, ends, metadata]
    )


def state(table: OldTable, row: Values, instant: Instants, _: frozenset[str]) -> Row:
    """The second writer put S into entropy, 1 - S into stability_index and E into its object."""
    told = placed(table, row, instant)
    agent, at, seq = text(told["identity_id"]), told["recorded_at"], told["seq"]
    if agent is None or at is None:
        raise Unfit("its agent or its time is null")
    said = parse(text(told["state_json"]) or "{}")
    more = beside(table, row)
    if "E" not in row:
        told["energy"] = _energy(said)
        stability, S = row.get("stability_index"), told["entropy"]
        if stability is not None and S is not None and abs(1 - S - stability) > FOLLOWS:
            more["stability_index"] = Number(repr(float(stability)))
    object_text: str | None = with_beside(told["state_json"], more)
    if told["state_json"] is None and not more:
        object_text = None
    cells = [real(told[name]) for name in STATE.columns[:5]]
    key = key_of(agent, at, str(int(seq)))
    return Row(STATE, key, [*cells, text(told["regime"]), object_text])


def thresholds(table: OldTable, row: Values, instant: Instants, _: frozenset[str]) -> Row:
    """A version before the first of the house."""
    told = placed(table, row, instant)
    if told["data"] is None or told["updated_at"] is None:
        raise Unfit("state_json or updated_at: is null")
    return Row(CALIBRATION, told["updated_at"], [object_of(told["data"])])


def object_of(told: Any) -> str:
    """JSON text of an object, whatever its keys."""
    said = parse(text(told) or "")
    if not isinstance(said, dict):
        raise Unfit("is no object")
    return canonical(said)


def _energy(said: Any) -> float | None:
    told = said.get("E") if isinstance(said, dict) else None
    if told is not None and not isinstance(told, Number):
        raise Unfit("state_json: E is no number")
    return None if told is None else float(told)


def _word(told: Any) -> str:
    """An element of tags as text."""
    if isinstance(told, Number):
        return number(told)
    if isinstance(told, str):
        return told
    return json.dumps(told) if told is None or isinstance(told, bool) else canonical(told)


def each(derive: Any, table: OldTable, instant: Instants) -> Any:
    """A deriver of one table's rows."""

    def _each(row: Values, lacks: frozenset[str]) -> Iterator[Row]:
        yield derive(table, row, instant, lacks)

    return _each
