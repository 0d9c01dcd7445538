-- agent --
SELECT i.status, i.created_at, i.spawn_reason, i.parent_agent_id, to_json(i.tags), i.label,
       i.purpose, i.notes
  FROM core.identities AS i
 WHERE i.agent_id = %(agent_id)s;

-- state --
SELECT a.last_recorded_at, a.energy, a.integrity, a.entropy, a.void, a.coherence, a.regime
  FROM core.agents AS a
 WHERE a.agent_id = %(agent_id)s AND a.last_recorded_at IS NOT NULL;

-- event --
SELECT coalesce((e.payload->'beside'->>'confidence')::float8, 1.0),
       (e.payload - 'beside'::text)::text
  FROM audit.events AS e
 WHERE e.recorded_at = %(recorded_at)s AND e.agent_id = %(agent_id)s
   AND e.event_type = %(event_type)s
 ORDER BY 2;

-- discovery --
SELECT d.agent_id, d.type, d.severity, d.status, d.created_at, d.updated_at, d.resolved_at,
       d.summary, d.details, d.confidence, to_json(d.references_files),
       (SELECT coalesce(json_agg(t.tag), '[]') FROM core.discovery_tags AS t
         WHERE t.discovery_id = d.discovery_id),
       (SELECT coalesce(json_agg(l.related_id), '[]') FROM core.discovery_links AS l
         WHERE l.discovery_id = d.discovery_id),
       d.response_to, d.superseded_by
  FROM core.discoveries AS d
 WHERE d.discovery_id = %(discovery_id)s;

-- dispute --
SELECT m.agent_id, m.message_type, m.recorded_at, m.reasoning, m.agrees
  FROM dialectic.messages AS m
 WHERE m.session_id = %(session_id)s
 ORDER BY m.seq;

-- session --
SELECT i.agent_id, s.created_at, s.last_active
  FROM core.sessions AS s
  JOIN core.identities AS i ON i.identity_id = s.identity_id
 WHERE s.session_id = %(session_sha256)s;
