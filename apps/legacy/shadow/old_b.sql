-- agent --
SELECT status, created_at, spawn_reason, parent_agent_id, coalesce(tags_json, '[]')
  FROM agent_metadata
 WHERE agent_id = :agent_id;

-- agent_keys --
SELECT agent_id FROM agent_metadata ORDER BY 1 LIMIT :many OFFSET :skip;

-- state --
SELECT recorded_at, json_extract(state_json, '$.E'), integrity, entropy, volatility, coherence,
       regime
  FROM agent_state
 WHERE agent_id = :agent_id
 ORDER BY recorded_at DESC, id DESC
 LIMIT 1;

-- state_ids --
SELECT id FROM agent_state WHERE agent_id = :agent_id;

-- state_keys --
SELECT DISTINCT agent_id FROM agent_state ORDER BY 1 LIMIT :many OFFSET :skip;

-- event --
SELECT confidence, details_json
  FROM audit_events
 WHERE agent_id = :agent_id AND timestamp = :recorded_at AND event_type = :event_type
 ORDER BY details_json;

-- event_keys --
SELECT agent_id, event_type, timestamp
  FROM audit_events
 WHERE id > :skip
 ORDER BY id
 LIMIT :many;

-- event_ids --
SELECT id FROM audit_events
 WHERE agent_id = :agent_id AND timestamp = :recorded_at AND event_type = :event_type;

-- session --
SELECT agent_id, created_at, last_active
  FROM session_identities
 WHERE sha256(session_id) = :session_sha256;

-- session_keys --
SELECT sha256(session_id) FROM session_identities ORDER BY 1 LIMIT :many OFFSET :skip;
