"""Every table of the old governance.db and knowledge.db, and where its rows go.

Variant A is what production wrote, one module per store. Variant B is what a single backend
wrote. A live file may hold tables of both.
"""

from typing import Final

from schemas.legacy.shape import OldTable, takes

IDENTITIES: Final = "core.identities"
STATE: Final = "core.agent_state"

A: Final = (
    OldTable(
        "agent_metadata",
        "A",
        ("agent_id",),
        takes(
            agent_id="agent_id", status="status", created_at="created_at:instant",
            last_update="last_activity_at:instant", version="metadata:beside",
            total_updates="metadata:beside", tags_json="tags:array", notes="notes",
            lifecycle_events_json="metadata:beside", paused_at="metadata:beside",
            archived_at="metadata:beside", parent_agent_id="parent_agent_id",
            spawn_reason="spawn_reason", api_key=":secret",
            recent_update_timestamps_json="metadata:beside",
            recent_decisions_json="metadata:beside", loop_detected_at="metadata:beside",
            loop_cooldown_until="metadata:beside", last_response_at="metadata:beside",
            response_completed="metadata:beside", health_status="metadata:beside",
            dialectic_conditions_json="metadata:beside", active_session_key=":secret",
            session_bound_at="metadata:beside", purpose="purpose", agent_uuid="metadata:beside",
            label="label",
        ),
        IDENTITIES,
        later=frozenset({"purpose", "agent_uuid", "label"}),
    ),
    OldTable(
        "session_identities",
        "A",
        ("session_key",),
        takes(
            session_key="session_id:secret", agent_id="identity_id", api_key=":secret",
            bound_at="created_at:instant", updated_at="last_active:instant",
            bind_count="metadata:beside",
        ),
        "core.sessions",
        why="none is alive: each expires when it was last seen",
    ),
    OldTable(
        "agent_state",
        "A",
        ("agent_id",),
        takes(
            agent_id="identity_id", E="energy", I="integrity", S="entropy", V="void",
            coherence="coherence", regime="regime", update_count="seq",
            void_active="state_json:beside", created_at="state_json:beside",
            updated_at="recorded_at:instant", state_json="state_json:object",
        ),
        STATE,
        why="one row per agent, its last state",
    ),
    OldTable(
        "audit_events",
        "A",
        ("id",),
        takes(
            id="event_id:uuid", timestamp="recorded_at:instant", agent_id="agent_id",
            event_type="event_type", confidence="payload:beside", details_json="payload:object",
            metadata_json="payload:json", raw_hash="payload:beside",
        ),
        "audit.events",
    ),
    OldTable(
        "calibration_state",
        "A",
        ("id",),
        takes(id=":follows", state_json="data:object", updated_at="updated_at:instant"),
        "core.calibration",
        why="added as a version; what is in force is not overwritten",
    ),
    OldTable(
        "discoveries",
        "A",
        ("id",),
        takes(
            id="discovery_id", agent_id="agent_id", type="type", severity="severity",
            status="status", created_at="created_at:instant", updated_at="updated_at:instant",
            resolved_at="resolved_at:instant", summary="summary", details="details",
            related_files="references_files:array", confidence="confidence",
            embedding=":follows", provenance="provenance:object",
            provenance_chain="provenance_chain:array",
        ),
        "core.discoveries",
        later=frozenset({"provenance", "provenance_chain"}),
    ),
    OldTable(
        "discovery_tags",
        "A",
        ("discovery_id", "tag"),
        takes(discovery_id="discovery_id", tag="tag"),
        "core.discovery_tags",
    ),
    OldTable(
        "discovery_edges",
        "A",
        ("src_id", "dst_id", "edge_type"),
        takes(
            src_id="discovery_id", dst_id="related_id",
            edge_type="core.discoveries.metadata:beside",
            response_type="core.discoveries.metadata:beside",
            weight="core.discoveries.metadata:beside", created_at="created_at:instant",
            created_by="core.discoveries.metadata:beside",
            metadata="core.discoveries.metadata:beside",
        ),
        "core.discovery_links",
        why="an answer goes to core.discoveries.response_to, a successor to superseded_by, the rest"
        " are links; what a link cannot hold stays beside its source",
    ),
    OldTable(
        "dialectic_sessions",
        "A",
        ("session_id",),
        takes(
            session_id="session_id", paused_agent_id="paused_agent_id",
            reviewer_agent_id="reviewer_agent_id", phase="phase", status="status",
            created_at="created_at:instant", updated_at="updated_at:instant", reason="reason",
            discovery_id="discovery_id", dispute_type="dispute_type",
            session_type="session_type", topic="topic",
            max_synthesis_rounds="max_synthesis_rounds", synthesis_round="synthesis_round",
            paused_agent_state_json="paused_agent_state_json:object",
            resolution_json="resolution_json:object",
        ),
        "dialectic.sessions",
    ),
    OldTable(
        "dialectic_messages",
        "A",
        ("id",),
        takes(
            id="imported_json:beside", session_id="session_id", agent_id="agent_id",
            message_type="message_type", timestamp="recorded_at:instant",
            root_cause="root_cause", proposed_conditions_json="proposed_conditions:array",
            reasoning="reasoning", observed_metrics_json="observed_metrics:object",
            concerns_json="concerns:array", agrees="agrees:truth", signature="signature",
        ),
        "dialectic.messages",
        why="seq is the place by timestamp, then id, within its session",
    ),
    OldTable(
        "rate_limits",
        "A",
        ("agent_id", "timestamp"),
        takes(agent_id=":follows", timestamp=":follows"),
        fate="archived",
        why="counted one hour that is over",
    ),
    OldTable(
        "knowledge_schema_version",
        "A",
        ("version",),
        takes(version=":follows", applied_at=":follows"),
        fate="archived",
        why="the old stores' own ledger",
    ),
)  # fmt: skip

B: Final = (
    OldTable(
        "agent_metadata",
        "B",
        ("agent_id",),
        takes(
            agent_id="agent_id", api_key=":secret", created_at="created_at:instant",
            updated_at="updated_at:instant", status="status",
            parent_agent_id="parent_agent_id", spawn_reason="spawn_reason",
            disabled_at="metadata:beside", tags_json="tags:array",
            lifecycle_events_json="metadata:beside", metadata_json="metadata:object",
        ),
        IDENTITIES,
    ),
    OldTable(
        "session_identities",
        "B",
        ("session_id",),
        takes(
            session_id="session_id:secret", agent_id="identity_id",
            created_at="created_at:instant", last_active="last_active:instant",
            expires_at="expires_at:instant", is_active="metadata:beside",
            client_type="metadata:beside", client_info_json="metadata:beside",
            metadata_json="metadata:object",
        ),
        "core.sessions",
        why="one that is not active expires when it was last seen",
    ),
    OldTable(
        "agent_state",
        "B",
        ("id",),
        takes(
            id="seq", agent_id="identity_id", recorded_at="recorded_at:instant",
            entropy="entropy", integrity="integrity", stability_index=":follows",
            volatility="void", regime="regime", coherence="coherence",
            state_json="state_json:object",
        ),
        STATE,
        why="the live writer put S into entropy, 1 - S into stability_index, E into state_json",
    ),
    OldTable(
        "audit_events",
        "B",
        ("id",),
        takes(
            id=":follows", timestamp="recorded_at:instant", event_id="event_id:uuid",
            agent_id="agent_id", session_id="payload:beside", event_type="event_type",
            confidence="payload:beside", details_json="payload:object",
            raw_hash="payload:beside",
        ),
        "audit.events",
    ),
    OldTable(
        "tool_usage",
        "B",
        ("id",),
        takes(
            id=":follows", timestamp="recorded_at:instant", usage_id="usage_id:uuid",
            agent_id="agent_id", session_id="session_id", tool_name="tool_name",
            latency_ms="latency_ms", success="success:truth", error_type="error_type",
            payload_json="payload:object",
        ),
        "audit.tool_usage",
    ),
    OldTable(
        "calibration_state",
        "B",
        ("id",),
        takes(
            id=":follows", updated_at="updated_at:instant", version=":follows",
            state_json="data:object",
        ),
        "core.calibration",
        why="added as a version; what is in force is not overwritten",
    ),
)  # fmt: skip

CHANGES: Final = OldTable(
    "abode_changes",
    "both",
    ("seq",),
    takes(seq=":follows", part=":follows", unit=":follows", old=":follows", at=":follows"),
    fate="archived",
    why="what triggers tell abode legacy follow",
)
BOTH: Final = (
    OldTable(
        "schema_version",
        "both",
        ("name",),
        takes(name=":follows", version=":follows"),
        fate="archived",
        why="the old stores' own ledger",
    ),
)

TABLES: Final = (*A, *B, *BOTH)
KNOWLEDGE: Final = frozenset(
    {
        "discoveries", "discovery_tags", "discovery_edges", "rate_limits",
        "knowledge_schema_version",
    }
)  # fmt: skip
"""A file that holds only these, besides its ledger, is a knowledge.db."""
SEARCHES: Final = ("audit_events_fts", "discoveries_fts")
"""Full-text tables, with the shadows that SQLite keeps of each: made from their rows."""
