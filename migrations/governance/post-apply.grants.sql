-- What each role may do, and nothing more: schemas/governance/roles.py in SQL. Repeatable.
-- First whatever anyone but the owner has is taken away, then the list is given.

DO $$
DECLARE
    one record;
BEGIN
    FOR one IN
        WITH place AS (
            SELECT n.oid, n.nspname, n.nspowner, n.nspacl
              FROM pg_catalog.pg_namespace AS n
             WHERE n.nspname IN ('core', 'audit', 'dialectic', 'retired', 'legacy', 'governance_graph',
                                 'ledger', 'public', 'ag_catalog', 'trgm'))
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

-- governance: the process.
GRANT USAGE ON SCHEMA core, audit, dialectic, retired, governance_graph, ag_catalog, trgm
   TO governance;
GRANT SELECT ON
      core.identities, core.lifecycle_events, core.sessions, core.tokens, core.agent_state,
      core.calibration, core.calibration_versions, core.probe,
      core.discoveries, core.discovery_tags, core.discovery_links,
      core.agents, core.schema_migrations, core.tool_usage,
      audit.events, audit.tool_usage, audit.outcome_events, audit.outcome_keys, audit.retired,
      audit.positions, audit.anchors, audit.untold,
      dialectic.sessions, dialectic.messages TO governance;
GRANT INSERT ON
      core.sessions, core.agent_state, core.discoveries, core.discovery_tags, core.discovery_links,
      audit.events, audit.tool_usage, audit.outcome_events, audit.outcome_keys, audit.positions,
      audit.anchors, audit.untold,
      dialectic.sessions, dialectic.messages TO governance;
GRANT DELETE ON
      core.sessions, core.tokens, core.discoveries, core.discovery_tags, core.discovery_links,
      audit.untold TO governance;
-- Status is the operator's, but for archive_identity; a parent is named once and for ever.
GRANT INSERT (agent_id, parent_agent_id, spawn_reason),
      UPDATE (updated_at, label, purpose, notes, tags, metadata, last_activity_at)
   ON core.identities TO governance;
-- An expired session may be swept, or bound anew.
GRANT UPDATE (identity_id, created_at, last_active, expires_at) ON core.sessions TO governance;
-- A token is ended and dated; whose it is, what it opens and until when stays as it was shown.
GRANT INSERT (identity_id, purpose, secret_sha256, rights, issued_by, expires_at),
      UPDATE (revoked_at, last_used_at)
   ON core.tokens TO governance;
GRANT UPDATE (updated_at) ON core.probe TO governance;
-- The version is a trigger's, and older ones stay as they were.
GRANT UPDATE (data, changed_by, reason) ON core.calibration TO governance;
GRANT UPDATE (first_seq, read_bytes, seq, hash, state_id, lifecycle_id, updated_at)
   ON audit.positions TO governance;
-- Who found it, when, and the state the agent was in stay as they were told.
GRANT UPDATE (type, severity, status, updated_at, resolved_at, summary, details, references_files,
              response_to, response_type, confidence, metadata, superseded_by)
   ON core.discoveries TO governance;
GRANT UPDATE (phase, status, reviewer_agent_id, synthesis_round, resolution_action,
              resolution_json, updated_at, resolved_at, deadline_at, resume_at)
   ON dialectic.sessions TO governance;
-- The one way from a dispute to an agent's status.
GRANT EXECUTE ON ROUTINE dialectic.settle(text, timestamptz) TO governance;
GRANT EXECUTE ON ROUTINE
      core.probe_graph(), core.archive_identity(text),
      audit.create_partitions(timestamptz), audit.retire_partitions(timestamptz),
      audit.partition_maintenance(timestamptz), audit.partition_state(timestamptz),
      audit.drop_retired(text, bigint, bytea) TO governance;
-- AGE 1.5: who reads a graph through cypher() writes it. The app does both; nobody else enters.
GRANT SELECT, INSERT, UPDATE, DELETE ON
      governance_graph."Agent", governance_graph."Tag", governance_graph."Discovery",
      governance_graph."DialecticSession", governance_graph."DialecticMessage",
      governance_graph."SPAWNED", governance_graph."DISCOVERED", governance_graph."HAS_TAG",
      governance_graph."RELATED_TO", governance_graph."RESPONSE_TO",
      governance_graph."PAUSED_AGENT", governance_graph."REVIEWER",
      governance_graph."HAS_MESSAGE", governance_graph."WROTE" TO governance;
GRANT SELECT ON governance_graph._ag_label_vertex, governance_graph._ag_label_edge TO governance;
GRANT USAGE ON SEQUENCE
      governance_graph."Agent_id_seq", governance_graph."Tag_id_seq",
      governance_graph."Discovery_id_seq", governance_graph."DialecticSession_id_seq",
      governance_graph."DialecticMessage_id_seq", governance_graph."SPAWNED_id_seq",
      governance_graph."DISCOVERED_id_seq", governance_graph."HAS_TAG_id_seq",
      governance_graph."RELATED_TO_id_seq", governance_graph."RESPONSE_TO_id_seq",
      governance_graph."PAUSED_AGENT_id_seq", governance_graph."REVIEWER_id_seq",
      governance_graph."HAS_MESSAGE_id_seq", governance_graph."WROTE_id_seq" TO governance;

-- governance_ro: people and reports.
GRANT USAGE ON SCHEMA core, audit, dialectic, retired TO governance_ro;
GRANT SELECT ON
      core.identities, core.lifecycle_events, core.agent_state, core.calibration,
      core.calibration_versions, core.probe, core.discoveries, core.discovery_tags, core.discovery_links,
      core.agents, core.schema_migrations, audit.events, audit.partitions, audit.retired,
      audit.positions, audit.anchors, dialectic.sessions, dialectic.messages TO governance_ro;
-- Who knows a session's id is taken for its agent.
GRANT SELECT (identity_id, created_at, last_active, expires_at, metadata)
   ON core.sessions TO governance_ro;
GRANT SELECT (token_id, identity_id, purpose, rights, issued_by, created_at, expires_at,
              revoked_at, last_used_at)
   ON core.tokens TO governance_ro;
GRANT SELECT (usage_id, recorded_at, agent_id, tool_name, latency_ms, success, error_type, payload)
   ON core.tool_usage, audit.tool_usage TO governance_ro;
GRANT SELECT (outcome_id, recorded_at, agent_id, outcome_type, outcome_score, is_bad, energy,
              integrity, entropy, void, phi, verdict, coherence, regime, detail, confidence)
   ON audit.outcome_events TO governance_ro;
GRANT EXECUTE ON FUNCTION audit.partition_state(timestamptz) TO governance_ro;

-- governance_monitor: probes. It sees the server's statistics as a member of pg_monitor.
GRANT USAGE ON SCHEMA core, audit TO governance_monitor;
GRANT SELECT ON core.probe, core.schema_migrations, audit.retired TO governance_monitor;
GRANT EXECUTE ON FUNCTION audit.partition_state(timestamptz) TO governance_monitor;
