"""What each MCP tool does, for one caller."""

from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from apps.bridge import envelope
from apps.bridge.tools import Arguments, Tool, optional
from apps.governance.checkins import Checkins
from apps.governance.identities import Identities
from apps.governance.report import report
from schemas.errors import Refused

DESCRIBED = frozenset({
    "client_session_id", "agent_name", "agent_id",
    "label", "purpose", "tags", "preferences", "notes",
})  # fmt: skip
OUTCOME = frozenset({
    "client_session_id", "agent_name", "agent_id",
    "outcome_type", "outcome_score", "is_bad", "detail",
})  # fmt: skip


def tools_for(
    agent: str, session_id: str | None, checkins: Checkins, identities: Identities
) -> Mapping[str, Tool]:
    """The tools, bound to who calls them."""

    async def sync_state(arguments: Arguments) -> dict[str, Any]:
        said = report(
            agent,
            envelope.check_in(arguments),
            datetime.now(UTC),
            envelope.complexity(arguments),
            session_id,
        )
        return (await checkins.handle(said)).spoken_in(1).model_dump(mode="json")

    async def update_agent_metadata(arguments: Arguments) -> dict[str, Any]:
        _known(arguments, DESCRIBED)
        tags = optional(arguments, "tags", list, 64)
        if tags is not None and not all(isinstance(tag, str) and len(tag) < 100 for tag in tags):
            raise Refused("arguments: tags: not all are short texts")
        said = {
            "label": optional(arguments, "label", str, 200),
            "purpose": optional(arguments, "purpose", str),
            "notes": optional(arguments, "notes", str),
            "tags": tags,
            "metadata": optional(arguments, "preferences", dict, 64),
        }
        kept = {name: value for name, value in said.items() if value is not None}
        return _resolved(agent, await identities.describe(agent, kept))

    async def identity(_: Arguments) -> dict[str, Any]:
        return _resolved(agent, await identities.tell(agent))

    async def outcome(arguments: Arguments) -> dict[str, Any]:
        _known(arguments, OUTCOME)
        kind = optional(arguments, "outcome_type", str, 100)
        if not kind:
            raise Refused("arguments: outcome_type: is missing")
        score = arguments.get("outcome_score")
        if isinstance(score, bool) or not isinstance(score, int | float | None):
            raise Refused("arguments: outcome_score: is not a number")
        payload = {
            "outcome_type": kind,
            "outcome_score": score,
            "is_bad": optional(arguments, "is_bad", bool),
            "detail": optional(arguments, "detail", dict, 64),
        }
        await identities.outcome(agent, payload)
        return _resolved(agent, {})

    return {
        "sync_state": sync_state,
        "process_agent_update": sync_state,
        "update_agent_metadata": update_agent_metadata,
        "identity": identity,
        "record_result": outcome,
        "outcome_event": outcome,
    }


def _known(arguments: Arguments, names: frozenset[str]) -> None:
    for name in arguments:
        if name not in names:
            raise Refused(f"arguments: unknown key {name!r:.80}")


def _resolved(agent: str, said: dict[str, Any]) -> dict[str, Any]:
    session = f"agent-{sha256(agent.encode()).hexdigest()[:12]}"
    return {
        "success": True,
        **said,
        "uuid": agent,
        "client_session_id": session,
        "resolved_agent_id": agent,
    }
