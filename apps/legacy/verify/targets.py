"""The tables that rows were brought to, and the columns of each that are compared."""

from typing import Final, NamedTuple


class Target(NamedTuple):
    """One table of the house; ``house.sql`` has its query: key, columns, whose row it is."""

    table: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    json: frozenset[str] = frozenset()
    """Columns that the query gives as JSON text; the others are canonical already."""
    named: str = ""
    """The column of a row's own id, where several old rows may tell of one and any id is good."""
    any_of: bool = False
    """Whether any old row that has this key may be what is there, or only the first."""

    @property
    def query(self) -> str:
        """Its query's name."""
        return self.table.replace(".", "_")


IDENTITIES: Final = Target(
    "core.identities",
    ("agent_id",),
    (
        "status", "created_at", "updated_at", "parent_agent_id", "label", "purpose", "notes",
        "tags", "metadata", "last_activity_at", "spawn_reason",
    ),
    frozenset({"tags", "metadata"}),
)  # fmt: skip
SESSIONS: Final = Target(
    "core.sessions",
    ("session_id",),
    ("agent_id", "created_at", "last_active", "expires_at", "metadata"),
    frozenset({"metadata"}),
)
STATE: Final = Target(
    "legacy.agent_state",
    ("agent_id", "recorded_at", "seq"),
    ("energy", "integrity", "entropy", "void", "coherence", "regime", "state_json"),
    frozenset({"state_json"}),
)
DISCOVERIES: Final = Target(
    "core.discoveries",
    ("discovery_id",),
    (
        "agent_id", "type", "severity", "status", "created_at", "updated_at", "resolved_at",
        "summary", "details", "references_files", "response_to", "response_type", "confidence",
        "provenance", "provenance_chain", "superseded_by", "metadata",
    ),
    frozenset({"references_files", "provenance", "provenance_chain", "metadata"}),
)  # fmt: skip
TAGS: Final = Target("core.discovery_tags", ("discovery_id", "tag"), ("created_at",))
LINKS: Final = Target(
    "core.discovery_links", ("discovery_id", "related_id"), ("created_at",), any_of=True
)
DISPUTES: Final = Target(
    "dialectic.sessions",
    ("session_id",),
    (
        "session_type", "phase", "status", "paused_agent_id", "reviewer_agent_id", "topic",
        "reason", "discovery_id", "dispute_type", "synthesis_round", "max_synthesis_rounds",
        "paused_agent_state_json", "resolution_action", "resolution_json", "created_at",
        "updated_at", "resolved_at", "deadline_at", "resume_at", "settled_at", "imported_json",
    ),
    frozenset({"paused_agent_state_json", "resolution_json", "imported_json"}),
)  # fmt: skip
MESSAGES: Final = Target(
    "dialectic.messages",
    ("session_id", "seq"),
    (
        "agent_id", "message_type", "recorded_at", "root_cause", "proposed_conditions",
        "reasoning", "observed_metrics", "concerns", "agrees", "proposed_action", "signature",
        "imported_json",
    ),
    frozenset({"proposed_conditions", "observed_metrics", "concerns", "imported_json"}),
)  # fmt: skip
CALIBRATION: Final = Target(
    "core.calibration_versions", ("made_at",), ("data",), frozenset({"data"})
)
EVENTS: Final = Target(
    "audit.events",
    ("recorded_at",),
    ("agent_id", "event_type", "payload"),
    frozenset({"payload"}),
    named="event_id",
    any_of=True,
)
USAGE: Final = Target(
    "audit.tool_usage",
    ("recorded_at",),
    ("agent_id", "session_id", "tool_name", "latency_ms", "success", "error_type", "payload"),
    frozenset({"payload"}),
    named="usage_id",
    any_of=True,
)
TARGETS: Final = (
    IDENTITIES, SESSIONS, STATE, DISCOVERIES, TAGS, LINKS, DISPUTES, MESSAGES, CALIBRATION, EVENTS,
    USAGE,
)  # fmt: skip
