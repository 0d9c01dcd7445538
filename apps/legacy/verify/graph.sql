-- vertices --
-- A label's vertices as they lie: AGE's id, and their properties as JSON.
SELECT v.id::text, format('%s', v.properties) FROM governance_graph.{label} AS v;

-- edges --
SELECT e.start_id::text, e.end_id::text, format('%s', e.properties) FROM governance_graph.{label} AS e;

-- agents --
-- Who found something or takes part in a dispute, as the house knows it.
SELECT i.agent_id, i.status, i.created_at
  FROM core.identities AS i
 WHERE EXISTS (SELECT FROM core.discoveries AS d WHERE d.agent_id = i.agent_id)
    OR EXISTS (SELECT FROM dialectic.messages AS m WHERE m.agent_id = i.agent_id)
    OR EXISTS (SELECT FROM dialectic.sessions AS s
                WHERE i.agent_id IN (s.paused_agent_id, s.reviewer_agent_id));

-- discoveries --
SELECT d.discovery_id, d.agent_id, d.type, d.status, d.severity, d.summary, d.created_at,
       d.response_to, d.response_type, d.superseded_by
  FROM core.discoveries AS d;

-- tags --
SELECT t.discovery_id, t.tag FROM core.discovery_tags AS t;

-- words --
SELECT DISTINCT t.tag FROM core.discovery_tags AS t;

-- links --
SELECT l.discovery_id, l.related_id FROM core.discovery_links AS l;

-- sessions --
SELECT s.session_id, s.status, s.phase, s.created_at, s.paused_agent_id, s.reviewer_agent_id
  FROM dialectic.sessions AS s;

-- messages --
SELECT m.message_id, m.session_id, m.agent_id, m.seq, m.message_type FROM dialectic.messages AS m;
