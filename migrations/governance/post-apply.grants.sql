-- What each role may do, and nothing more. Repeatable. Written by: python -m apps.declared

DO $$
DECLARE
    one record;
BEGIN
    FOR one IN
        WITH place AS (
            SELECT n.oid, n.nspname, n.nspowner, n.nspacl
              FROM pg_catalog.pg_namespace AS n
             WHERE n.nspname IN ('core', 'audit', 'dialectic', 'retired', 'legacy', 'governance_graph', 'ag_catalog', 'trgm', 'ledger', 'public'))
        SELECT DISTINCT had.what, who.name AS who
          FROM (
            SELECT format('SCHEMA %I', p.nspname) AS what, a.grantee
              FROM place AS p
             CROSS JOIN LATERAL aclexplode(p.nspacl) AS a
             WHERE a.grantee NOT IN (p.nspowner, current_user::regrole)
            UNION ALL
            -- What was cut from a table may be read by its readers until it is archived.
            SELECT format('%s %s', CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END,
                          c.oid::regclass), a.grantee
              FROM place AS p
              JOIN pg_catalog.pg_class AS c ON c.relnamespace = p.oid
             CROSS JOIN LATERAL (
                  SELECT x.grantee FROM aclexplode(c.relacl) AS x
                  UNION ALL
                  SELECT x.grantee FROM pg_catalog.pg_attribute AS t, aclexplode(t.attacl) AS x
                   WHERE t.attrelid = c.oid) AS a
             WHERE c.relowner = current_user::regrole AND a.grantee <> c.relowner
               AND p.nspname <> 'retired'
            UNION ALL
            SELECT format('ROUTINE %s', r.oid::regprocedure), a.grantee
              FROM place AS p
              JOIN pg_catalog.pg_proc AS r ON r.pronamespace = p.oid
             CROSS JOIN LATERAL
                   aclexplode(coalesce(r.proacl, acldefault('f', r.proowner))) AS a
             WHERE r.proowner = current_user::regrole AND a.grantee <> r.proowner) AS had
         CROSS JOIN LATERAL (
               SELECT CASE had.grantee WHEN 0 THEN 'PUBLIC'
                      ELSE quote_ident(pg_get_userbyid(had.grantee)) END) AS who (name)
    LOOP
        EXECUTE format('REVOKE ALL ON %s FROM %s CASCADE', one.what, one.who);
    END LOOP;
    FOR one IN
        SELECT DISTINCT coalesce(' IN SCHEMA ' || quote_ident(n.nspname), '') AS place,
               CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES'
                    WHEN 'f' THEN 'FUNCTIONS' WHEN 'T' THEN 'TYPES' ELSE 'SCHEMAS' END AS what,
               CASE a.grantee WHEN 0 THEN 'PUBLIC'
                    ELSE quote_ident(pg_get_userbyid(a.grantee)) END AS who
          FROM pg_catalog.pg_default_acl AS d
          LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = d.defaclnamespace
         CROSS JOIN LATERAL aclexplode(d.defaclacl) AS a
         WHERE d.defaclrole = current_user::regrole AND a.grantee <> d.defaclrole
    LOOP
        EXECUTE format('ALTER DEFAULT PRIVILEGES%s REVOKE ALL ON %s FROM %s CASCADE',
                       one.place, one.what, one.who);
    END LOOP;
END
$$;

-- What is made later is nobody's until it is named here.
ALTER DEFAULT PRIVILEGES REVOKE ALL ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON TYPES FROM PUBLIC;

-- governance: The process governance.
GRANT USAGE ON SCHEMA core TO governance;
GRANT USAGE ON SCHEMA audit TO governance;
GRANT USAGE ON SCHEMA dialectic TO governance;
GRANT USAGE ON SCHEMA retired TO governance;
GRANT USAGE ON SCHEMA governance_graph TO governance;
GRANT USAGE ON SCHEMA ag_catalog TO governance;
GRANT USAGE ON SCHEMA trgm TO governance;
GRANT SELECT ON TABLE core.identities TO governance;
GRANT SELECT ON TABLE core.lifecycle_events TO governance;
GRANT SELECT ON TABLE core.sessions TO governance;
GRANT SELECT ON TABLE core.tokens TO governance;
GRANT SELECT ON TABLE core.agent_state TO governance;
GRANT SELECT ON TABLE core.calibration TO governance;
GRANT SELECT ON TABLE core.calibration_versions TO governance;
GRANT SELECT ON TABLE core.probe TO governance;
GRANT SELECT ON TABLE core.discoveries TO governance;
GRANT SELECT ON TABLE core.discovery_tags TO governance;
GRANT SELECT ON TABLE core.discovery_links TO governance;
GRANT SELECT ON TABLE core.agents TO governance;
GRANT SELECT ON TABLE core.schema_migrations TO governance;
GRANT SELECT ON TABLE core.tool_usage TO governance;
GRANT SELECT ON TABLE audit.events TO governance;
GRANT SELECT ON TABLE audit.tool_usage TO governance;
GRANT SELECT ON TABLE audit.outcome_events TO governance;
GRANT SELECT ON TABLE audit.outcome_keys TO governance;
GRANT SELECT ON TABLE audit.retired TO governance;
GRANT SELECT ON TABLE audit.positions TO governance;
GRANT SELECT ON TABLE audit.anchors TO governance;
GRANT SELECT ON TABLE audit.untold TO governance;
GRANT SELECT ON TABLE dialectic.sessions TO governance;
GRANT SELECT ON TABLE dialectic.messages TO governance;
GRANT INSERT ON TABLE core.sessions TO governance;
GRANT INSERT ON TABLE core.agent_state TO governance;
GRANT INSERT ON TABLE core.discoveries TO governance;
GRANT INSERT ON TABLE core.discovery_tags TO governance;
GRANT INSERT ON TABLE core.discovery_links TO governance;
GRANT INSERT ON TABLE audit.events TO governance;
GRANT INSERT ON TABLE audit.tool_usage TO governance;
GRANT INSERT ON TABLE audit.outcome_events TO governance;
GRANT INSERT ON TABLE audit.outcome_keys TO governance;
GRANT INSERT ON TABLE audit.positions TO governance;
GRANT INSERT ON TABLE audit.anchors TO governance;
GRANT INSERT ON TABLE audit.untold TO governance;
GRANT INSERT ON TABLE dialectic.sessions TO governance;
GRANT INSERT ON TABLE dialectic.messages TO governance;
GRANT DELETE ON TABLE core.sessions TO governance;
GRANT DELETE ON TABLE core.tokens TO governance;
GRANT DELETE ON TABLE core.discoveries TO governance;
GRANT DELETE ON TABLE core.discovery_tags TO governance;
GRANT DELETE ON TABLE core.discovery_links TO governance;
GRANT DELETE ON TABLE audit.untold TO governance;
GRANT INSERT (agent_id, parent_agent_id, spawn_reason) ON TABLE core.identities TO governance;
GRANT UPDATE (updated_at, label, purpose, notes, tags, metadata, last_activity_at) ON TABLE core.identities TO governance;
GRANT UPDATE (identity_id, created_at, last_active, expires_at) ON TABLE core.sessions TO governance;
GRANT INSERT (identity_id, purpose, secret_sha256, rights, issued_by, expires_at) ON TABLE core.tokens TO governance;
GRANT UPDATE (revoked_at, last_used_at) ON TABLE core.tokens TO governance;
GRANT UPDATE (updated_at) ON TABLE core.probe TO governance;
GRANT UPDATE (data, changed_by, reason) ON TABLE core.calibration TO governance;
GRANT UPDATE (first_seq, read_bytes, seq, hash, state_id, lifecycle_id, updated_at) ON TABLE audit.positions TO governance;
GRANT UPDATE (type, severity, status, updated_at, resolved_at, summary, details, references_files, response_to, response_type, confidence, metadata, superseded_by) ON TABLE core.discoveries TO governance;
GRANT UPDATE (phase, status, reviewer_agent_id, synthesis_round, resolution_action, resolution_json, updated_at, resolved_at, deadline_at, resume_at) ON TABLE dialectic.sessions TO governance;
GRANT EXECUTE ON ROUTINE core.probe_graph() TO governance;
GRANT EXECUTE ON ROUTINE dialectic.settle(text,timestamp with time zone) TO governance;
GRANT EXECUTE ON ROUTINE core.archive_identity(text) TO governance;
GRANT EXECUTE ON ROUTINE audit.create_partitions(timestamp with time zone) TO governance;
GRANT EXECUTE ON ROUTINE audit.retire_partitions(timestamp with time zone) TO governance;
GRANT EXECUTE ON ROUTINE audit.partition_maintenance(timestamp with time zone) TO governance;
GRANT EXECUTE ON ROUTINE audit.partition_state(timestamp with time zone) TO governance;
GRANT EXECUTE ON ROUTINE audit.drop_retired(text,bigint,bytea) TO governance;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE governance_graph."Agent" TO governance;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE governance_graph."Tag" TO governance;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE governance_graph."Discovery" TO governance;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE governance_graph."DialecticSession" TO governance;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE governance_graph."DialecticMessage" TO governance;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE governance_graph."SPAWNED" TO governance;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE governance_graph."DISCOVERED" TO governance;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE governance_graph."HAS_TAG" TO governance;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE governance_graph."RELATED_TO" TO governance;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE governance_graph."RESPONSE_TO" TO governance;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE governance_graph."PAUSED_AGENT" TO governance;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE governance_graph."REVIEWER" TO governance;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE governance_graph."HAS_MESSAGE" TO governance;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE governance_graph."WROTE" TO governance;
GRANT SELECT ON TABLE governance_graph._ag_label_vertex TO governance;
GRANT SELECT ON TABLE governance_graph._ag_label_edge TO governance;
GRANT USAGE ON SEQUENCE governance_graph."Agent_id_seq" TO governance;
GRANT USAGE ON SEQUENCE governance_graph."Tag_id_seq" TO governance;
GRANT USAGE ON SEQUENCE governance_graph."Discovery_id_seq" TO governance;
GRANT USAGE ON SEQUENCE governance_graph."DialecticSession_id_seq" TO governance;
GRANT USAGE ON SEQUENCE governance_graph."DialecticMessage_id_seq" TO governance;
GRANT USAGE ON SEQUENCE governance_graph."SPAWNED_id_seq" TO governance;
GRANT USAGE ON SEQUENCE governance_graph."DISCOVERED_id_seq" TO governance;
GRANT USAGE ON SEQUENCE governance_graph."HAS_TAG_id_seq" TO governance;
GRANT USAGE ON SEQUENCE governance_graph."RELATED_TO_id_seq" TO governance;
GRANT USAGE ON SEQUENCE governance_graph."RESPONSE_TO_id_seq" TO governance;
GRANT USAGE ON SEQUENCE governance_graph."PAUSED_AGENT_id_seq" TO governance;
GRANT USAGE ON SEQUENCE governance_graph."REVIEWER_id_seq" TO governance;
GRANT USAGE ON SEQUENCE governance_graph."HAS_MESSAGE_id_seq" TO governance;
GRANT USAGE ON SEQUENCE governance_graph."WROTE_id_seq" TO governance;

-- governance_ro: People and reports: reads, and never a session's id.
GRANT USAGE ON SCHEMA core TO governance_ro;
GRANT USAGE ON SCHEMA audit TO governance_ro;
GRANT USAGE ON SCHEMA dialectic TO governance_ro;
GRANT USAGE ON SCHEMA retired TO governance_ro;
GRANT SELECT ON TABLE core.identities TO governance_ro;
GRANT SELECT ON TABLE core.lifecycle_events TO governance_ro;
GRANT SELECT ON TABLE core.agent_state TO governance_ro;
GRANT SELECT ON TABLE core.calibration TO governance_ro;
GRANT SELECT ON TABLE core.calibration_versions TO governance_ro;
GRANT SELECT ON TABLE core.probe TO governance_ro;
GRANT SELECT ON TABLE core.discoveries TO governance_ro;
GRANT SELECT ON TABLE core.discovery_tags TO governance_ro;
GRANT SELECT ON TABLE core.discovery_links TO governance_ro;
GRANT SELECT ON TABLE core.agents TO governance_ro;
GRANT SELECT ON TABLE core.schema_migrations TO governance_ro;
GRANT SELECT ON TABLE audit.events TO governance_ro;
GRANT SELECT ON TABLE audit.partitions TO governance_ro;
GRANT SELECT ON TABLE audit.retired TO governance_ro;
GRANT SELECT ON TABLE audit.positions TO governance_ro;
GRANT SELECT ON TABLE audit.anchors TO governance_ro;
GRANT SELECT ON TABLE dialectic.sessions TO governance_ro;
GRANT SELECT ON TABLE dialectic.messages TO governance_ro;
GRANT SELECT (identity_id, created_at, last_active, expires_at, metadata) ON TABLE core.sessions TO governance_ro;
GRANT SELECT (token_id, identity_id, purpose, rights, issued_by, created_at, expires_at, revoked_at, last_used_at) ON TABLE core.tokens TO governance_ro;
GRANT SELECT (usage_id, recorded_at, agent_id, tool_name, latency_ms, success, error_type, payload) ON TABLE core.tool_usage TO governance_ro;
GRANT SELECT (usage_id, recorded_at, agent_id, tool_name, latency_ms, success, error_type, payload) ON TABLE audit.tool_usage TO governance_ro;
GRANT SELECT (outcome_id, recorded_at, agent_id, outcome_type, outcome_score, is_bad, energy, integrity, entropy, void, phi, verdict, coherence, regime, detail, confidence) ON TABLE audit.outcome_events TO governance_ro;
GRANT EXECUTE ON ROUTINE audit.partition_state(timestamp with time zone) TO governance_ro;

-- governance_monitor: Probes: the server's statistics and a few views.
GRANT USAGE ON SCHEMA core TO governance_monitor;
GRANT USAGE ON SCHEMA audit TO governance_monitor;
GRANT SELECT ON TABLE core.probe TO governance_monitor;
GRANT SELECT ON TABLE core.schema_migrations TO governance_monitor;
GRANT SELECT ON TABLE audit.retired TO governance_monitor;
GRANT EXECUTE ON ROUTINE audit.partition_state(timestamp with time zone) TO governance_monitor;
