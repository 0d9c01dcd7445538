-- The two views that operators ask for by name. Depends on 0001 and on yoyo's schema "ledger".

CREATE VIEW core.agents AS
SELECT i.identity_id, i.agent_id, i.status, i.label, i.purpose, i.created_at, i.updated_at,
       s.recorded_at AS last_recorded_at, s.received_at AS last_received_at,
       s.energy, s.integrity, s.entropy, s.void, s.coherence,
       s.regime, s.health, s.risk, s.action, s.margin
  FROM core.identities AS i
  LEFT JOIN LATERAL (
       SELECT a.recorded_at, a.received_at, a.energy, a.integrity, a.entropy, a.void,
              a.coherence, a.regime, a.health, a.risk, a.action, a.margin
         FROM core.agent_state AS a
        WHERE a.identity_id = i.identity_id AND NOT a.late
        ORDER BY a.state_id DESC
        LIMIT 1) AS s ON true;
COMMENT ON VIEW core.agents IS 'One row per identity, with the state that came last.';

CREATE VIEW core.schema_migrations AS
SELECT substring(m.migration_id FROM '^[0-9]+')::integer AS version,
       substring(m.migration_id FROM '^[0-9]+\.(.*)$') AS name,
       m.applied_at_utc AT TIME ZONE 'UTC' AS applied_at
  FROM ledger._yoyo_migration AS m
 WHERE m.migration_id ~ '^[0-9]+\.';
COMMENT ON VIEW core.schema_migrations IS 'What is applied, as the migration runner wrote it.';
