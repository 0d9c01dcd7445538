"""A file of discoveries: what its nodes mean, and how they are written back as they were told.

Pure. A row keeps what a node means. Of how it was told a row keeps only what it would not give back
by itself, in ``metadata["told"]``: the order of the keys, and the text of values that are written
in another way, such as a time without an offset. A value that was changed since is told anew.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

from pydantic import Field, ValidationError

from apps.bridge.body import explain
from schemas.bridge import AgentName
from schemas.eisv import Ratio
from schemas.errors import Refused
from schemas.governance.calls.knowledge import (
    Details,
    DiscoveryId,
    Files,
    Provenance,
    Summary,
    Tags,
)
from schemas.governance.knowledge import Kind, Response, Severity, Standing
from schemas.governance.words import JsonList
from schemas.quantity import Closed, Instant

TOLD: Final = "told"
"""Where in metadata it is kept how a node was told."""


class Answer(Closed):
    """What a node answers."""

    discovery_id: DiscoveryId
    response_type: Response


class Node(Closed):
    """A discovery of a file; what it does not know is kept beside it."""

    id: DiscoveryId
    agent_id: AgentName
    type: Kind
    summary: Summary
    tags: Tags = ()
    severity: Severity | None = None
    timestamp: Instant
    status: Standing = Standing.OPEN
    related_to: Annotated[tuple[DiscoveryId, ...], Field(max_length=1_000)] = ()
    references_files: Files = ()
    resolved_at: Instant | None = None
    updated_at: Instant | None = None
    details: Details | None = None
    response_to: Answer | None = None
    confidence: Ratio | None = None
    provenance: Provenance | None = None
    provenance_chain: JsonList | None = None
    superseded_by: DiscoveryId | None = None


TIMES: Final = ("timestamp", "resolved_at", "updated_at")
UNORDERED: Final = frozenset({"response_to", "provenance", "provenance_chain"})
"""Their keys come back from Postgres in another order."""
ALWAYS: Final = tuple(Node.model_fields)[:13]
"""Keys of a node that is told for the first time; the others only when there is something."""


def meaning(node: Mapping[str, Any], zone: ZoneInfo) -> Node:
    """What a node says; a time without an offset is of that zone."""
    known = {key: value for key, value in node.items() if key in Node.model_fields}
    for key in TIMES:
        if isinstance(known.get(key), str):
            known[key] = _instant(known[key], zone)
    try:
        return Node.model_validate(known)
    except ValidationError as error:
        raise explain(error, f"nodes/{str(node.get('id'))[:80]}") from None


def plain(node: Node) -> dict[str, Any]:
    """Its keys as we write them."""
    said = node.model_dump(mode="json")
    said["tags"], said["related_to"] = sorted(set(node.tags)), sorted(set(node.related_to))
    said["details"] = node.details or ""
    for key in TIMES:
        at = getattr(node, key)
        said[key] = at.isoformat() if at else None
    if node.updated_at == node.timestamp:
        said["updated_at"] = None
    return said


def how(node: Mapping[str, Any], meant: Node, missing: list[str]) -> dict[str, Any]:
    """How it was told, as far as its row will not tell; ``missing`` are ids that are not there."""
    row = plain(meant)
    values = {
        key: json.dumps(value)
        for key, value in node.items()
        if key not in row or key in UNORDERED or not _same(row[key], value)
    }
    return {"keys": list(node), "values": values, "missing": missing}


def again(row: Node, told: Mapping[str, Any] | None, zone: ZoneInfo) -> dict[str, Any]:
    """A row as it was told, but for what changed since."""
    now = plain(row)
    if told is None:
        return {key: value for key, value in now.items() if key in ALWAYS or value is not None}
    values = {key: json.loads(text) for key, text in told["values"].items()}
    before = plain(without(meaning(now | values, zone), set(told["missing"])))
    said = {
        key: values[key] if key in values and before.get(key) == now.get(key) else now[key]
        for key in told["keys"]
    }
    more = {key: value for key, value in now.items() if key not in said and value}
    return said | {key: value for key, value in more.items() if before.get(key) != value}


def without(node: Node, missing: set[str]) -> Node:
    """Without what it says of discoveries that were not there."""
    change: dict[str, Any] = {"related_to": tuple(i for i in node.related_to if i not in missing)}
    if node.response_to and node.response_to.discovery_id in missing:
        change["response_to"] = None
    if node.superseded_by in missing:
        change["superseded_by"] = None
    return node.model_copy(update=change)


def _same(ours: Any, told: Any) -> bool:
    """Whether they are written alike: 1 and 1.0 and true are not."""
    return type(ours) is type(told) and bool(ours == told)


def _instant(text: str, zone: ZoneInfo) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Refused(f"nodes: {text!r:.60} is not an instant") from None
    return at if at.tzinfo else at.replace(tzinfo=zone)
