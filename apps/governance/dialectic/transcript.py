"""Pure: a dispute's file as upstream writes it, taken apart into columns and put together again.

What the columns cannot say is kept beside them: keys that they do not have, keys that are not
there, values of another kind. So putting together gives the very file.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NamedTuple

from pydantic_core import to_json

from schemas.errors import Refused
from schemas.governance.dialectic import (
    DisputeKind,
    Outcome,
    Phase,
    SessionKind,
    Standing,
    Step,
)

NAME_LIMIT = 200
ENDS = {
    Phase.RESOLVED: Standing.RESOLVED,
    Phase.ESCALATED: Standing.ESCALATED,
    Phase.FAILED: Standing.FAILED,
}

Document = dict[str, Any]


class Parts(NamedTuple):
    """Columns of a session and of its messages."""

    session: dict[str, Any]
    messages: list[dict[str, Any]]

    @property
    def agents(self) -> set[str]:
        """Everybody who is named."""
        said = {message["agent_id"] for message in self.messages}
        return said | {self.session["paused_agent_id"], self.session["reviewer_agent_id"]} - {None}


def take_apart(document: Document) -> Parts:
    """The columns of a file. A dispute that did not end there has run out of time since."""
    phase = _word(Phase, document.get("phase")) or Phase.THESIS
    resolution = _of(dict, document.get("resolution"))
    created = _instant(document.get("created_at"))
    if created is None:
        raise Refused("document: created_at: is not an instant")
    transcript = document.get("transcript")
    if not isinstance(transcript, list) or not all(isinstance(m, dict) for m in transcript):
        raise Refused("document: transcript: is not a list of objects")
    messages = [_message(seq, said) for seq, said in enumerate(transcript)]
    standing = _word(Standing, document.get("status"))
    if standing in (None, Standing.ACTIVE):
        standing = ENDS.get(phase, Standing.TIMEOUT)
    updated = max([created, *(message["recorded_at"] for message in messages)])
    told = _of(int, document.get("synthesis_round"))
    session = {
        "session_id": _name(document, "session_id"),
        "session_type": _word(SessionKind, document.get("session_type")) or SessionKind.RECOVERY,
        "phase": phase,
        "status": standing,
        "paused_agent_id": _name(document, "paused_agent_id"),
        "reviewer_agent_id": _of(str, document.get("reviewer_agent_id")),
        "topic": _of(str, document.get("topic")),
        "reason": _of(str, document.get("reason")),
        "discovery_id": _of(str, document.get("discovery_id")),
        "dispute_type": _word(DisputeKind, document.get("dispute_type")),
        "synthesis_round": told if told is not None and 0 <= told < 2**31 else 0,
        "paused_agent_state_json": _of(dict, document.get("paused_agent_state")),
        "resolution_action": _word(Outcome, (resolution or {}).get("action")),
        "resolution_json": resolution,
        "created_at": created,
        "updated_at": updated,
        "resolved_at": _instant((resolution or {}).get("timestamp")) if resolution else None,
    }
    # Whether the discovery is known here is only seen when it is written: it is kept beside.
    bare = _session({**session, "discovery_id": None})
    session["imported_json"] = _beside(bare, {**document, "transcript": None})
    return Parts(session, messages)


def put_together(session: Mapping[str, Any], messages: Sequence[Mapping[str, Any]]) -> Document:
    """The file of a dispute, whether it came as one or not."""
    document = _session(session)
    if session["imported_json"] is not None:
        document = _with(document, session["imported_json"])
    return {**document, "transcript": [_told(message) for message in messages]}


def alike(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same, true and 1 apart."""
    return to_json(_sorted(one)) == to_json(_sorted(other))


def _message(seq: int, said: Document) -> dict[str, Any]:
    at = _instant(said.get("timestamp"))
    if at is None:
        raise Refused(f"document: transcript/{seq}/timestamp: is not an instant")
    step = _word(Step, said.get("phase"))
    if step is None:
        raise Refused(f"document: transcript/{seq}/phase: is none of {', '.join(Step)}")
    agrees = said.get("agrees")
    message = {
        "seq": seq,
        "agent_id": _name(said, "agent_id"),
        "message_type": step,
        "recorded_at": at,
        "root_cause": _of(str, said.get("root_cause")),
        "proposed_conditions": _of(list, said.get("proposed_conditions")),
        "reasoning": _of(str, said.get("reasoning")),
        "observed_metrics": _of(dict, said.get("observed_metrics")),
        "concerns": _of(list, said.get("concerns")),
        "agrees": bool(agrees) if agrees in (0, 1, True, False) else None,
        "proposed_action": None,
        "signature": _of(str, said.get("signature")),
    }
    message["imported_json"] = _beside(_plain(message), said)
    return message


def _told(message: Mapping[str, Any]) -> Document:
    plain = _plain(message)
    if message["imported_json"] is not None:
        return _with(plain, message["imported_json"])
    for name in ("proposed_action", "signature"):
        if message[name] is not None:
            plain[name] = message[name]
    return plain


def _session(row: Mapping[str, Any]) -> Document:
    return {
        "session_id": row["session_id"],
        "paused_agent_id": row["paused_agent_id"],
        "reviewer_agent_id": row["reviewer_agent_id"],
        "phase": str(row["phase"]),
        "synthesis_round": row["synthesis_round"],
        "transcript": None,
        "resolution": row["resolution_json"],
        "created_at": _naive(row["created_at"]),
        "discovery_id": row["discovery_id"],
        "dispute_type": _text(row["dispute_type"]),
        "session_type": str(row["session_type"]),
        "topic": row["topic"],
        "paused_agent_state": row["paused_agent_state_json"],
    }


def _plain(row: Mapping[str, Any]) -> Document:
    return {
        "phase": str(row["message_type"]),
        "agent_id": row["agent_id"],
        "timestamp": _naive(row["recorded_at"]),
        "root_cause": row["root_cause"],
        "observed_metrics": row["observed_metrics"],
        "proposed_conditions": row["proposed_conditions"],
        "reasoning": row["reasoning"],
        "agrees": row["agrees"],
        "concerns": row["concerns"],
    }


def _beside(made: Document, told: Document) -> Document:
    """What turns ``made`` into ``told``."""
    said = {key: v for key, v in told.items() if key not in made or not alike(made[key], v)}
    return {"said": said, "absent": [key for key in made if key not in told]}


def _with(made: Document, beside: Document) -> Document:
    kept = {key: value for key, value in made.items() if key not in beside["absent"]}
    return {**kept, **beside["said"]}


def _name(said: Document, key: str) -> str:
    value = said.get(key)
    if not isinstance(value, str) or not 0 < len(value) <= NAME_LIMIT:
        raise Refused(f"document: {key}: is not 1 to {NAME_LIMIT} characters")
    return value


def _of(kind: type, value: Any) -> Any:
    return value if isinstance(value, kind) and not isinstance(value, bool) else None


def _word(words: type[StrEnum], value: Any) -> Any:
    return words(value) if isinstance(value, str) and value in set(words) else None


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _instant(value: Any) -> datetime | None:
    """Upstream's clock has no zone; its host is taken to be in UTC."""
    if not isinstance(value, str):
        return None
    with suppress(ValueError, OverflowError):
        at = datetime.fromisoformat(value)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    return None


def _naive(at: datetime) -> str:
    return at.astimezone(UTC).replace(tzinfo=None).isoformat()


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(each) for each in value] if isinstance(value, list) else value
