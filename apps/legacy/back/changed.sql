-- rejected --
-- What of a file never came over, by part; a part with a column is that column of a row.
SELECT r.part, array_agg(r.old_key) FROM legacy.rejected AS r
 WHERE r.file = %(file)s
 GROUP BY r.part;

-- identities --
SELECT i.agent_id, i.status, i.created_at, i.updated_at, i.parent_agent_id, i.label, i.purpose,
       i.notes, i.tags, i.metadata, coalesce(i.last_activity_at, i.updated_at) AS last_activity_at,
       i.spawn_reason
  FROM core.identities AS i
 WHERE age(i.xmin) <= age(%(marker)s::text::xid) OR i.agent_id = ANY (%(named)s)
 ORDER BY i.identity_id;

-- sessions --
SELECT s.session_id, i.agent_id AS identity_id, s.created_at, s.last_active, s.expires_at,
       s.metadata
  FROM core.sessions AS s
  JOIN core.identities AS i ON i.identity_id = s.identity_id
 WHERE age(s.xmin) <= age(%(marker)s::text::xid)
 ORDER BY s.session_id;

-- session_ids --
SELECT s.session_id FROM core.sessions AS s;

-- newest_states --
-- Of each agent the newest, with how many there were of it, those of the old server too.
SELECT DISTINCT ON (i.agent_id)
       i.agent_id AS identity_id, a.recorded_at, a.energy, a.integrity, a.entropy, a.void,
       a.coherence, a.regime, a.risk, a.action, a.health,
       coalesce((SELECT max(l.seq) FROM legacy.agent_state AS l
                  WHERE l.identity_id = i.identity_id), 0)
       + count(*) OVER (PARTITION BY i.agent_id) AS seq
  FROM core.agent_state AS a
  JOIN core.identities AS i ON i.identity_id = a.identity_id
 WHERE age(a.xmin) <= age(%(marker)s::text::xid) AND NOT a.late
 ORDER BY i.agent_id, a.state_id DESC;

-- states --
SELECT i.agent_id AS identity_id, a.recorded_at, a.energy, a.integrity, a.entropy, a.void,
       a.coherence, a.regime, a.risk, a.action, a.health
  FROM core.agent_state AS a
  JOIN core.identities AS i ON i.identity_id = a.identity_id
 WHERE age(a.xmin) <= age(%(marker)s::text::xid)
 ORDER BY a.state_id;

-- discoveries --
-- What speaks of a discovery is part of it.
WITH new AS (
    SELECT d.discovery_id FROM core.discoveries AS d
     WHERE age(d.xmin) <= age(%(marker)s::text::xid)
     UNION
    SELECT t.discovery_id FROM core.discovery_tags AS t
     WHERE age(t.xmin) <= age(%(marker)s::text::xid)
     UNION
    SELECT l.discovery_id FROM core.discovery_links AS l
     WHERE age(l.xmin) <= age(%(marker)s::text::xid))
SELECT d.discovery_id, d.agent_id, d.type, d.severity, d.status, d.created_at, d.updated_at,
       d.resolved_at, d.summary, d.details, d.references_files, d.confidence, d.provenance,
       d.provenance_chain, d.response_to, d.response_type, d.superseded_by,
       ARRAY(SELECT t.tag FROM core.discovery_tags AS t
              WHERE t.discovery_id = d.discovery_id ORDER BY t.tag) AS tags,
       ARRAY(SELECT l.related_id FROM core.discovery_links AS l
              WHERE l.discovery_id = d.discovery_id ORDER BY l.related_id) AS related,
       ARRAY(SELECT l.created_at FROM core.discovery_links AS l
              WHERE l.discovery_id = d.discovery_id ORDER BY l.related_id) AS related_at
  FROM core.discoveries AS d
  JOIN new ON new.discovery_id = d.discovery_id
 ORDER BY d.discovery_id;

-- disputes --
WITH new AS (
    SELECT s.session_id FROM dialectic.sessions AS s
     WHERE age(s.xmin) <= age(%(marker)s::text::xid)
     UNION
    SELECT m.session_id FROM dialectic.messages AS m
     WHERE age(m.xmin) <= age(%(marker)s::text::xid))
SELECT s.session_id, s.paused_agent_id, s.reviewer_agent_id, s.phase, s.status, s.created_at,
       s.updated_at, s.reason, s.discovery_id, s.dispute_type, s.session_type, s.topic,
       s.max_synthesis_rounds, s.synthesis_round, s.paused_agent_state_json, s.resolution_json,
       age(s.xmin) <= age(%(marker)s::text::xid) AS is_changed, s.imported_json IS NOT NULL AS came
  FROM dialectic.sessions AS s
  JOIN new ON new.session_id = s.session_id
 ORDER BY s.session_id;

-- messages --
-- Those after the ones that the old table has.
SELECT m.session_id, m.agent_id, m.message_type, m.recorded_at, m.root_cause,
       m.proposed_conditions, m.reasoning, m.observed_metrics, m.concerns, m.agrees, m.signature
  FROM dialectic.messages AS m
 WHERE m.session_id = %(session_id)s AND m.seq >= %(there)s
 ORDER BY m.seq;

-- events --
-- The house's own: what came from an old store is there, and never changes.
SELECT e.event_id::text AS event_id, e.recorded_at, e.agent_id, e.event_type, e.payload
  FROM audit.events AS e
 WHERE age(e.xmin) <= age(%(marker)s::text::xid)
   AND NOT (e.payload ? 'beside' OR substr(e.event_id::text, 15, 1) = '5')
 ORDER BY e.recorded_at, e.event_id;

-- calls --
SELECT u.usage_id::text AS usage_id, u.recorded_at, u.agent_id, u.session_id, u.tool_name,
       u.latency_ms, u.success, u.error_type, u.payload
  FROM audit.tool_usage AS u
 WHERE age(u.xmin) <= age(%(marker)s::text::xid)
   AND NOT (u.payload ? 'beside' OR substr(u.usage_id::text, 15, 1) = '5')
 ORDER BY u.recorded_at, u.usage_id;
