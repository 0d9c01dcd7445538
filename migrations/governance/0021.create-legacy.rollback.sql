-- Takes back what came from the old stores and has no place elsewhere; the rest stays.
-- lossy: all rows of legacy.agent_state, legacy.rejected, legacy.positions and legacy.runs

CREATE OR REPLACE VIEW core.agents AS
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
DROP TABLE legacy.agent_state;
DROP TABLE legacy.rejected;
DROP TABLE legacy.positions;
DROP TABLE legacy.runs;
DROP SCHEMA legacy;
