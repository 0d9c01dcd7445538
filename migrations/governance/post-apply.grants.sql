-- What the governance service may do, and nothing more. Repeatable.

REVOKE ALL ON ALL TABLES IN SCHEMA core, audit FROM governance;
GRANT USAGE ON SCHEMA core, audit TO governance;
-- Status, creation and parents are the operator's.
GRANT SELECT, INSERT (agent_id),
      UPDATE (updated_at, label, purpose, notes, tags, metadata) ON core.identities TO governance;
-- An expired session may be swept, or bound anew.
GRANT SELECT, INSERT, DELETE,
      UPDATE (identity_id, created_at, last_active, expires_at) ON core.sessions TO governance;
GRANT SELECT, INSERT ON core.agent_state, audit.events TO governance;
GRANT SELECT, UPDATE (updated_at) ON core.probe TO governance;
GRANT SELECT ON core.calibration, core.agents, core.schema_migrations, audit.events_default
    TO governance;
GRANT EXECUTE ON ROUTINE audit.partition_maintenance(timestamptz),
      audit.create_partitions(timestamptz), audit.retire_partitions(timestamptz),
      audit.drop_retired(text, bigint, bytea), audit.partition_state(timestamptz) TO governance;
GRANT USAGE ON SCHEMA retired TO governance;
GRANT SELECT ON audit.retired TO governance;
GRANT SELECT, INSERT ON audit.tool_usage, audit.outcome_events TO governance;
