"""Every kind of old file that is no database, and what becomes of it."""

from typing import Final

from schemas.legacy.shape import OldFile, takes

AUDIT_LOG: Final = OldFile(
    "audit-log",
    "one audit event per line",
    "moves",
    "audit.events",
    frozenset({"timestamp", "agent_id", "event_type", "confidence", "details"}),
    takes(
        timestamp="recorded_at:instant", agent_id="agent_id", event_type="event_type",
        confidence="payload:beside", details="payload:object", metadata="payload:beside",
        session_id="payload:beside",
    ),
)  # fmt: skip
TOOL_USAGE: Final = OldFile(
    "tool-usage",
    "one tool call per line",
    "moves",
    "audit.tool_usage",
    frozenset({"timestamp", "tool_name", "agent_id", "success", "error_type"}),
    takes(
        timestamp="recorded_at:instant", tool_name="tool_name", agent_id="agent_id",
        success="success:truth", error_type="error_type",
    ),
)  # fmt: skip
GRAPH: Final = OldFile(
    "knowledge-graph",
    "discoveries with tags and links, one document",
    "moves",
    "core.discoveries",
    frozenset({"version", "nodes"}),
)
DIALECTIC: Final = OldFile(
    "dialectic-session",
    "one dispute with its transcript",
    "moves",
    "dialectic.sessions",
    frozenset({"session_id", "paused_agent_id", "transcript"}),
)
LINES: Final = (AUDIT_LOG, TOOL_USAGE)
DOCUMENTS: Final = (GRAPH, DIALECTIC)

EMPTY: Final = OldFile("empty", "zero bytes", "retired")
MIGRATED: Final = OldFile("migrated", "left by an old migration", "retired")
BESIDE: Final = OldFile("beside", "part of the database beside it", "archived")
ORPHAN: Final = OldFile("orphan", "SQLite's log or index, and no database beside it", "retired")
DEPRECATED: Final = OldFile("deprecated", "a directory given up in November 2025", "retired")
UNKNOWN: Final = OldFile("unknown", "not understood", "unknown")

MARK: Final = ".__migrated__"
DEPRECATED_DIRECTORIES: Final = frozenset({"agents", "activity"})
