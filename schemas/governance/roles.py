"""Who may do what in the database ``governance``: role, object, verb. Nobody else may anything.

The owner owns every object and is not listed. post-apply.grants.sql gives exactly this.
"""

from typing import Final

from schemas.governance.audit import OutcomeEvent, ToolUsage
from schemas.governance.graph import GRAPH, LABELS
from schemas.governance.server import APP, MONITOR, READER
from schemas.governance.tables import Token
from schemas.postgres import Grant, each
from schemas.table import Table


def _label(name: str) -> str:
    """As Postgres writes it: AGE's labels keep their capitals."""
    return f"{GRAPH}.{name}" if name.islower() else f'{GRAPH}."{name}"'


def _all_but_session(table: type[Table]) -> tuple[str, ...]:
    return tuple(name for name in table.model_fields if name != "session_id")


_LABELS: Final = tuple(label.label for label in LABELS)

_APP: Final = (
    *each(APP, "schema", ("USAGE",), "core", "audit", "dialectic", "retired", GRAPH, "ag_catalog"),
    *each(APP, "schema", ("USAGE",), "trgm"),
    *each(
        APP,
        "table",
        ("SELECT",),
        "core.identities",
        "core.lifecycle_events",
        "core.sessions",
        "core.tokens",
        "core.agent_state",
        "core.calibration",
        "core.calibration_versions",
        "core.probe",
        "core.discoveries",
        "core.discovery_tags",
        "core.discovery_links",
        "core.agents",
        "core.schema_migrations",
        "core.tool_usage",
        "audit.events",
        "audit.tool_usage",
        "audit.outcome_events",
        "audit.outcome_keys",
        "audit.retired",
        "audit.positions",
        "audit.anchors",
        "audit.untold",
        "dialectic.sessions",
        "dialectic.messages",
    ),
    *each(
        APP,
        "table",
        ("INSERT",),
        "core.sessions",
        "core.agent_state",
        "core.discoveries",
        "core.discovery_tags",
        "core.discovery_links",
        "audit.events",
        "audit.tool_usage",
        "audit.outcome_events",
        "audit.outcome_keys",
        "audit.positions",
        "audit.anchors",
        "audit.untold",
        "dialectic.sessions",
        "dialectic.messages",
    ),
    *each(
        APP,
        "table",
        ("DELETE",),
        "core.sessions",
        "core.tokens",
        "core.discoveries",
        "core.discovery_tags",
        "core.discovery_links",
        "audit.untold",
    ),
    # Status is the operator's, but for archive_identity; a parent is named once and for ever.
    Grant(
        APP,
        "table",
        "core.identities",
        ("INSERT",),
        ("agent_id", "parent_agent_id", "spawn_reason"),
    ),
    Grant(
        APP,
        "table",
        "core.identities",
        ("UPDATE",),
        ("updated_at", "label", "purpose", "notes", "tags", "metadata", "last_activity_at"),
    ),
    # An expired session may be swept, or bound anew.
    Grant(
        APP,
        "table",
        "core.sessions",
        ("UPDATE",),
        ("identity_id", "created_at", "last_active", "expires_at"),
    ),
    # A token is ended and dated; whose it is, what it opens and until when stays as it was shown.
    Grant(
        APP,
        "table",
        "core.tokens",
        ("INSERT",),
        ("identity_id", "purpose", "secret_sha256", "rights", "issued_by", "expires_at"),
    ),
    Grant(APP, "table", "core.tokens", ("UPDATE",), ("revoked_at", "last_used_at")),
    Grant(APP, "table", "core.probe", ("UPDATE",), ("updated_at",)),
    # The version is a trigger's, and older ones stay as they were.
    Grant(APP, "table", "core.calibration", ("UPDATE",), ("data", "changed_by", "reason")),
    Grant(
        APP,
        "table",
        "audit.positions",
        ("UPDATE",),
        ("first_seq", "read_bytes", "seq", "hash", "state_id", "lifecycle_id", "updated_at"),
    ),
    # Who found it, when, and the state the agent was in stay as they were told.
    Grant(
        APP,
        "table",
        "core.discoveries",
        ("UPDATE",),
        (
            "type",
            "severity",
            "status",
            "updated_at",
            "resolved_at",
            "summary",
            "details",
            "references_files",
            "response_to",
            "response_type",
            "confidence",
            "metadata",
            "superseded_by",
        ),
    ),
    Grant(
        APP,
        "table",
        "dialectic.sessions",
        ("UPDATE",),
        (
            "phase",
            "status",
            "reviewer_agent_id",
            "synthesis_round",
            "resolution_action",
            "resolution_json",
            "updated_at",
            "resolved_at",
            "deadline_at",
            "resume_at",
        ),
    ),
    *each(
        APP,
        "routine",
        ("EXECUTE",),
        "core.probe_graph()",
        # The one way from a dispute to an agent's status.
        "dialectic.settle(text,timestamp with time zone)",
        "core.archive_identity(text)",
        "audit.create_partitions(timestamp with time zone)",
        "audit.retire_partitions(timestamp with time zone)",
        "audit.partition_maintenance(timestamp with time zone)",
        "audit.partition_state(timestamp with time zone)",
        "audit.drop_retired(text,bigint,bytea)",
    ),
    # AGE 1.5: who reads a graph through cypher() writes it. The app does both; nobody else enters.
    *each(
        APP,
        "table",
        ("SELECT", "INSERT", "UPDATE", "DELETE"),
        *(_label(name) for name in _LABELS),
    ),
    *each(APP, "table", ("SELECT",), _label("_ag_label_vertex"), _label("_ag_label_edge")),
    *each(APP, "sequence", ("USAGE",), *(_label(f"{name}_id_seq") for name in _LABELS)),
)

_READER: Final = (
    *each(READER, "schema", ("USAGE",), "core", "audit", "dialectic", "retired"),
    *each(
        READER,
        "table",
        ("SELECT",),
        "core.identities",
        "core.lifecycle_events",
        "core.agent_state",
        "core.calibration",
        "core.calibration_versions",
        "core.probe",
        "core.discoveries",
        "core.discovery_tags",
        "core.discovery_links",
        "core.agents",
        "core.schema_migrations",
        "audit.events",
        "audit.partitions",
        "audit.retired",
        "audit.positions",
        "audit.anchors",
        "dialectic.sessions",
        "dialectic.messages",
    ),
    # Who knows a session's id is taken for its agent.
    Grant(
        READER,
        "table",
        "core.sessions",
        ("SELECT",),
        ("identity_id", "created_at", "last_active", "expires_at", "metadata"),
    ),
    Grant(
        READER,
        "table",
        "core.tokens",
        ("SELECT",),
        tuple(name for name in Token.model_fields if name != "secret_sha256"),
    ),
    *each(
        READER,
        "table",
        ("SELECT",),
        "core.tool_usage",
        "audit.tool_usage",
        columns=_all_but_session(ToolUsage),
    ),
    *each(
        READER,
        "table",
        ("SELECT",),
        "audit.outcome_events",
        columns=_all_but_session(OutcomeEvent),
    ),
    Grant(
        READER,
        "routine",
        "audit.partition_state(timestamp with time zone)",
        ("EXECUTE",),
    ),
)

_MONITOR: Final = (
    *each(MONITOR, "schema", ("USAGE",), "core", "audit"),
    *each(
        MONITOR,
        "table",
        ("SELECT",),
        "core.probe",
        "core.schema_migrations",
        "audit.retired",
    ),
    Grant(
        MONITOR,
        "routine",
        "audit.partition_state(timestamp with time zone)",
        ("EXECUTE",),
    ),
)

GRANTS: Final[tuple[Grant, ...]] = (*_APP, *_READER, *_MONITOR)
"""``governance_backup`` is in none: it copies the server's files and connects to no database."""
