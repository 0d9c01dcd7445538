-- identity_record --
-- One agent, every column.
SELECT identity_id, agent_id, status, created_at, updated_at, parent_agent_id, label, purpose,
       notes, tags, metadata, last_activity_at, spawn_reason
  FROM core.identities
 WHERE agent_id = %(agent)s;

-- agent_of --
-- The name of an identity.
SELECT agent_id FROM core.identities WHERE identity_id = %(identity_id)s;

-- audit_events --
-- The trail of one agent or all, of one kind or all, newest first.
SELECT event_id, recorded_at, agent_id, event_type, payload
  FROM audit.events
 WHERE (%(agent)s::text IS NULL OR agent_id = %(agent)s)
   AND (%(kind)s::text IS NULL OR event_type = %(kind)s)
   AND recorded_at >= coalesce(%(since)s::timestamptz, '-infinity')
   AND recorded_at < coalesce(%(until)s::timestamptz, 'infinity')
 ORDER BY recorded_at DESC, event_id DESC
 LIMIT %(limit)s;

-- told_lines --
-- How far audit_log.jsonl is indexed.
SELECT max(seq) FROM audit.positions WHERE trail = 'audit_log';
