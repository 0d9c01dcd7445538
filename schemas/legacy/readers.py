"""The kinds of questions that readers of the old stores ask, and how their answers are compared."""

from typing import Final, Literal, NamedTuple

Kind = Literal["text", "number", "instant", "truth", "json", "set"]
"""How a value is compared; a set is a JSON array whose order says nothing."""


class Reader(NamedTuple):
    """One question; its SQL has the same name on each side, and gives these columns in order."""

    name: str
    says: str
    table: str
    """The old table that it reads first; where that is not, nobody asks."""
    asked: tuple[str, ...]
    """What is asked by; a secret by its SHA-256."""
    columns: dict[str, Kind]
    variants: str = "AB"
    is_history: bool = False
    """Whether the house may know more of it by itself."""


AGENT: Final = Reader(
    "agent",
    "who an agent is",
    "agent_metadata",
    ("agent_id",),
    {
        "status": "text", "created_at": "instant", "spawn_reason": "text", "parent": "text",
        "tags": "json", "label": "text", "purpose": "text", "notes": "text",
    },
)  # fmt: skip
STATE: Final = Reader(
    "state",
    "how an agent was last",
    "agent_state",
    ("agent_id",),
    {
        "recorded_at": "instant", "energy": "number", "integrity": "number", "entropy": "number",
        "void": "number", "coherence": "number", "regime": "text",
    },
    is_history=True,
)  # fmt: skip
EVENT: Final = Reader(
    "event",
    "what happened to an agent at one moment",
    "audit_events",
    ("agent_id", "event_type", "recorded_at"),
    {"confidence": "number", "details": "json"},
    is_history=True,
)
DISCOVERY: Final = Reader(
    "discovery",
    "one discovery with its tags and links",
    "discoveries",
    ("discovery_id",),
    {
        "agent_id": "text", "type": "text", "severity": "text", "status": "text",
        "created_at": "instant", "updated_at": "instant", "resolved_at": "instant",
        "summary": "text", "details": "text", "confidence": "number", "files": "json",
        "tags": "set", "related": "set", "answers": "text", "successor": "text",
    },
    "A",
)  # fmt: skip
DISPUTE: Final = Reader(
    "dispute",
    "what was said in one dispute, in order",
    "dialectic_sessions",
    ("session_id",),
    {
        "agent_id": "text", "said_as": "text", "recorded_at": "instant", "reasoning": "text",
        "agrees": "truth",
    },
    "A",
)  # fmt: skip
SESSION: Final = Reader(
    "session",
    "whose session a key opens",
    "session_identities",
    ("session_sha256",),
    {"agent_id": "text", "created_at": "instant", "last_active": "instant"},
)
READERS: Final = (AGENT, STATE, EVENT, DISCOVERY, DISPUTE, SESSION)
