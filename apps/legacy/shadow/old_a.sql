-- agent --
SELECT status, created_at, spawn_reason, parent_agent_id, coalesce(tags_json, '[]'), label,
       purpose, notes
  FROM agent_metadata
 WHERE agent_id = :agent_id;

-- agent_keys --
SELECT agent_id FROM agent_metadata ORDER BY 1 LIMIT :many OFFSET :skip;

-- state --
SELECT updated_at, E, I, S, V, coherence, regime FROM agent_state WHERE agent_id = :agent_id;

-- state_keys --
SELECT agent_id FROM agent_state ORDER BY 1 LIMIT :many OFFSET :skip;

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

-- discovery --
SELECT agent_id, type, severity, status, created_at, coalesce(updated_at, created_at), resolved_at,
       summary, coalesce(details, ''), confidence, coalesce(related_files, '[]'),
       (SELECT json_group_array(t.tag) FROM discovery_tags AS t WHERE t.discovery_id = d.id),
       (SELECT json_group_array(DISTINCT e.dst_id) FROM discovery_edges AS e
         WHERE e.src_id = d.id
           AND coalesce(e.edge_type, '') NOT IN ('response_to', 'superseded_by')),
       (SELECT e.dst_id FROM discovery_edges AS e
         WHERE e.src_id = d.id AND e.edge_type = 'response_to' ORDER BY e.dst_id LIMIT 1),
       (SELECT e.dst_id FROM discovery_edges AS e
         WHERE e.src_id = d.id AND e.edge_type = 'superseded_by' ORDER BY e.dst_id LIMIT 1)
  FROM discoveries AS d
 WHERE d.id = :discovery_id;

-- discovery_keys --
SELECT id FROM discoveries ORDER BY 1 LIMIT :many OFFSET :skip;

-- dispute --
SELECT agent_id, message_type, timestamp, reasoning, agrees
  FROM dialectic_messages
 WHERE session_id = :session_id
 ORDER BY timestamp, id;

-- dispute_ids --
SELECT id FROM dialectic_messages WHERE session_id = :session_id;

-- dispute_keys --
SELECT session_id FROM dialectic_sessions ORDER BY 1 LIMIT :many OFFSET :skip;

-- session --
SELECT agent_id, bound_at, coalesce(updated_at, bound_at)
  FROM session_identities
 WHERE sha256(session_key) = :session_sha256;

-- session_keys --
SELECT sha256(session_key) FROM session_identities ORDER BY 1 LIMIT :many OFFSET :skip;
