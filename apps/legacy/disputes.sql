-- not_here --
-- Agents that were refused themselves.
SELECT a.agent
  FROM unnest(%(agents)s::text[]) AS a (agent)
 WHERE NOT EXISTS (SELECT FROM core.identities AS i WHERE i.agent_id = a.agent)
   AND EXISTS (SELECT FROM legacy.rejected AS r
                WHERE r.part = 'agent_metadata' AND r.old_key = a.agent);

-- take_sessions --
-- Nothing comes of them for anybody: they are over. Gives those that were not there.
INSERT INTO dialectic.sessions (
       session_id, session_type, phase, status, paused_agent_id, reviewer_agent_id, topic, reason,
       discovery_id, dispute_type, synthesis_round, max_synthesis_rounds, paused_agent_state_json,
       resolution_action, resolution_json, created_at, updated_at, resolved_at, imported_json)
SELECT s.session_id, s.session_type, s.phase, s.status, s.paused_agent_id, s.reviewer_agent_id,
       s.topic, s.reason,
       (SELECT d.discovery_id FROM core.discoveries AS d WHERE d.discovery_id = s.discovery_id),
       s.dispute_type, s.synthesis_round, coalesce(s.max_synthesis_rounds, 5),
       s.paused_agent_state_json, s.resolution_action, s.resolution_json, s.created_at,
       s.updated_at, s.resolved_at, s.imported_json
  FROM json_to_recordset(%(rows)s::json) AS s (
       session_id text, session_type text, phase text, status text, paused_agent_id text,
       reviewer_agent_id text, topic text, reason text, discovery_id text, dispute_type text,
       synthesis_round integer, max_synthesis_rounds integer, paused_agent_state_json jsonb,
       resolution_action text, resolution_json jsonb, created_at timestamptz,
       updated_at timestamptz, resolved_at timestamptz, imported_json jsonb)
ON CONFLICT (session_id) DO NOTHING
RETURNING session_id;

-- sessions_there --
SELECT s.session_id FROM dialectic.sessions AS s WHERE s.session_id = ANY (%(sessions)s);

-- take_messages --
INSERT INTO dialectic.messages (
       session_id, seq, agent_id, message_type, recorded_at, root_cause, proposed_conditions,
       reasoning, observed_metrics, concerns, agrees, proposed_action, signature, imported_json)
SELECT m.session_id, m.seq, m.agent_id, m.message_type, m.recorded_at, m.root_cause,
       m.proposed_conditions, m.reasoning, m.observed_metrics, m.concerns, m.agrees,
       m.proposed_action, m.signature, m.imported_json
  FROM json_to_recordset(%(rows)s::json) AS m (
       session_id text, seq integer, agent_id text, message_type text, recorded_at timestamptz,
       root_cause text, proposed_conditions jsonb, reasoning text, observed_metrics jsonb,
       concerns jsonb, agrees boolean, proposed_action text, signature text, imported_json jsonb)
ON CONFLICT (session_id, seq) DO NOTHING;
