-- agent_metadata --
-- Its parent is said anew.
UPDATE core.identities SET parent_agent_id = NULL
 WHERE agent_id = ANY (%(units)s) AND parent_agent_id IS NOT NULL;

-- agents_gone --
-- Unless it has come alive here.
DELETE FROM core.identities AS i
 WHERE i.agent_id = ANY (%(gone)s)
   AND NOT EXISTS (SELECT FROM core.agent_state AS s WHERE s.identity_id = i.identity_id);

-- still_there --
-- Agents that are gone there and not here.
SELECT i.agent_id FROM core.identities AS i WHERE i.agent_id = ANY (%(gone)s);

-- heard_otherwise --
-- Agents who say nothing of themselves, and whom nobody speaks of at the time that they were born.
-- Who was born here has a token, or a state. And since when somebody does.
WITH words AS (
    SELECT d.agent_id, d.created_at AS at FROM core.discoveries AS d
     UNION SELECT s.paused_agent_id, s.created_at FROM dialectic.sessions AS s
     UNION SELECT s.reviewer_agent_id, s.created_at FROM dialectic.sessions AS s
            WHERE s.reviewer_agent_id IS NOT NULL
     UNION SELECT m.agent_id, m.recorded_at FROM dialectic.messages AS m)
SELECT i.agent_id, min(w.at)
  FROM core.identities AS i
  JOIN words AS w ON w.agent_id = i.agent_id
 WHERE i.updated_at = i.created_at AND i.metadata = '{}' AND i.last_activity_at IS NULL
   AND NOT EXISTS (SELECT FROM core.agent_state AS s WHERE s.identity_id = i.identity_id)
   AND NOT EXISTS (SELECT FROM core.tokens AS t WHERE t.identity_id = i.identity_id)
 GROUP BY i.agent_id, i.created_at
HAVING NOT bool_or(w.at = i.created_at);

-- hear_again --
UPDATE core.identities AS i
   SET created_at = w.at, updated_at = w.at
  FROM unnest(%(agents)s::text[], %(at)s::timestamptz[]) AS w (agent, at)
 WHERE i.agent_id = w.agent;

-- discoveries --
-- Its tags and links are said anew.
DELETE FROM core.discovery_tags WHERE discovery_id = ANY (%(units)s);

-- discovery_links --
DELETE FROM core.discovery_links WHERE discovery_id = ANY (%(units)s);

-- discovery_answers --
UPDATE core.discoveries
   SET response_to = NULL, response_type = NULL, superseded_by = NULL
 WHERE discovery_id = ANY (%(units)s)
   AND (response_to IS NOT NULL OR superseded_by IS NOT NULL);

-- discovery_orphans --
-- An answer to what is gone is none.
UPDATE core.discoveries SET response_to = NULL, response_type = NULL
 WHERE response_to = ANY (%(gone)s);

-- discovery_gone --
DELETE FROM core.discoveries WHERE discovery_id = ANY (%(gone)s);

-- dialectic_sessions --
-- With all that was said in them. Of those that were opened here it knows what the house told it.
DELETE FROM dialectic.sessions WHERE session_id = ANY (%(units)s);

-- session_identities --
DELETE FROM core.sessions WHERE session_id = ANY (%(units)s);

-- agent_state_a --
-- One row per agent; it always said when it was made.
DELETE FROM legacy.agent_state AS s
 USING core.identities AS i
 WHERE i.identity_id = s.identity_id AND i.agent_id = ANY (%(units)s)
   AND s.state_json->'beside' ? 'created_at';

-- agent_state_b --
DELETE FROM legacy.agent_state AS s
 WHERE s.seq::text = ANY (%(units)s)
   AND NOT coalesce(s.state_json->'beside' ? 'created_at', false);

-- calibration_state --
-- Told anew in its place; gone, the newest of the old server's goes.
DELETE FROM core.calibration_versions AS v
 WHERE %(gone)s::text[] <> '{}' AND v.version = (
       SELECT max(o.version) FROM core.calibration_versions AS o
        WHERE o.version < 1 AND o.reason = 'the old server had it');

-- undraw --
-- Disputes that are told anew, with all their words and edges.
WITH vertices AS (
    SELECT s.id
      FROM governance_graph."DialecticSession" AS s
      JOIN unnest(%(units)s::text[]) AS u (unit)
        ON ag_catalog.agtype_access_operator(VARIADIC ARRAY[s.properties, '"id"'::ag_catalog.agtype])
           OPERATOR(ag_catalog.=) to_json(u.unit)::text::ag_catalog.agtype),
words AS (
    SELECT h.end_id AS id FROM governance_graph."HAS_MESSAGE" AS h
      JOIN vertices AS v ON v.id OPERATOR(ag_catalog.=) h.start_id),
ends AS (SELECT id FROM vertices UNION ALL SELECT id FROM words),
edges AS (
    DELETE FROM governance_graph._ag_label_edge AS e
     USING ends AS n
     WHERE e.start_id OPERATOR(ag_catalog.=) n.id OR e.end_id OPERATOR(ag_catalog.=) n.id)
DELETE FROM governance_graph._ag_label_vertex AS d
 USING ends AS n WHERE d.id OPERATOR(ag_catalog.=) n.id;

-- event_gone --
DELETE FROM audit.events AS e
 USING unnest(%(ids)s::uuid[], %(at)s::timestamptz[]) AS g (id, at)
 WHERE e.event_id = g.id AND e.recorded_at = g.at;

-- call_gone --
DELETE FROM audit.tool_usage AS u
 USING unnest(%(ids)s::uuid[], %(at)s::timestamptz[]) AS g (id, at)
 WHERE u.usage_id = g.id AND u.recorded_at = g.at;

-- fail --
INSERT INTO legacy.failures AS f (file, part, unit, reason)
VALUES (%(file)s, %(part)s, %(unit)s, %(reason)s)
ON CONFLICT (file, part, unit) DO UPDATE
   SET reason = excluded.reason, tries = f.tries + 1, last_failed_at = now();

-- mend --
DELETE FROM legacy.failures WHERE file = %(file)s AND part = %(part)s AND unit = ANY (%(units)s);

-- failing --
-- What is tried again now: the longer it fails, the less often, at last every 5 minutes.
SELECT f.part, f.unit FROM legacy.failures AS f
 WHERE f.file = %(file)s AND (%(all)s OR f.last_failed_at
       + least(interval '1 second' * power(2, least(f.tries, 20)), interval '5 minutes') <= now())
 ORDER BY f.last_failed_at, f.part, f.unit
 LIMIT 1000;

-- failures --
SELECT count(*) FROM legacy.failures WHERE file = ANY (%(files)s);

-- refused --
SELECT old_key FROM legacy.rejected WHERE file = %(file)s AND part = %(part)s ORDER BY old_key;

-- had_been_rejected --
-- Of units that are applied anew; what is still refused says so again.
DELETE FROM legacy.rejected
 WHERE file = %(file)s AND split_part(part, '.', 1) = %(part)s
   AND (old_key = ANY (%(units)s)
        OR CASE WHEN old_key LIKE '[%%' AND pg_input_is_valid(old_key, 'jsonb')
                THEN old_key::jsonb->>0 = ANY (%(units)s) ELSE false END);
