-- What the governance service may do, and nothing more. Repeatable.

REVOKE ALL ON ALL TABLES IN SCHEMA core, audit FROM governance;
GRANT USAGE ON SCHEMA core, audit TO governance;
GRANT SELECT, INSERT, UPDATE ON core.identities, core.sessions TO governance;
GRANT SELECT, INSERT ON core.agent_state, audit.events TO governance;
GRANT SELECT ON core.calibration, core.agents, core.schema_migrations, audit.events_default
    TO governance;
GRANT EXECUTE ON FUNCTION audit.partition_maintenance(timestamptz) TO governance;
