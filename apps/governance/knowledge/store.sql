-- one_at_a_time --
-- Until the transaction ends no other stores in the agent's name: the limit is counted surely.
SELECT pg_advisory_xact_lock(hashtextextended('discoveries of ' || %(agent)s::text, 0));

-- stored_lately --
-- How many the agent stored within the hour, and for how long the oldest of them counts.
SELECT count(*),
       coalesce(ceil(extract(epoch FROM min(d.created_at) + interval '1 hour' - now())), 0)::integer
  FROM core.discoveries AS d
 WHERE d.agent_id = %(agent)s
   AND d.created_at > now() - interval '1 hour'
   AND d.created_at < clock_timestamp() + interval '1 minute';

-- known_discoveries --
-- Those that are there; they stay while the transaction lasts.
SELECT d.discovery_id
  FROM core.discoveries AS d
 WHERE d.discovery_id = ANY(%(ids)s)
 ORDER BY d.discovery_id
   FOR KEY SHARE;

-- store_discovery --
-- With the state that its agent is in.
INSERT INTO core.discoveries (
       discovery_id, agent_id, type, severity, summary, details, references_files, response_to,
       response_type, confidence, provenance,
       energy, integrity, entropy, void, coherence, regime)
SELECT %(discovery_id)s, identity.agent_id, %(type)s, %(severity)s, %(summary)s, %(details)s,
       %(references_files)s::text[], %(response_to)s, %(response_type)s,
       %(confidence)s::double precision, %(provenance)s::jsonb,
       newest.energy, newest.integrity, newest.entropy, newest.void, newest.coherence,
       newest.regime
  FROM core.identities AS identity
  LEFT JOIN LATERAL (
       SELECT s.energy, s.integrity, s.entropy, s.void, s.coherence, s.regime
         FROM core.agent_state AS s
        WHERE s.identity_id BETWEEN identity.identity_id AND identity.identity_id AND NOT s.late
        ORDER BY s.identity_id, s.state_id DESC
        LIMIT 1) AS newest ON true
 WHERE identity.agent_id = %(agent)s
ON CONFLICT (discovery_id) DO NOTHING;

-- tag_discovery --
INSERT INTO core.discovery_tags (discovery_id, tag)
SELECT DISTINCT %(discovery_id)s, asked.tag FROM unnest(%(tags)s::text[]) AS asked (tag)
ON CONFLICT (discovery_id, tag) DO NOTHING;

-- untag_discovery --
-- All but these.
DELETE FROM core.discovery_tags AS t
 WHERE t.discovery_id = %(discovery_id)s AND t.tag <> ALL(%(tags)s::text[]);

-- link_discovery --
INSERT INTO core.discovery_links (discovery_id, related_id)
SELECT DISTINCT %(discovery_id)s, asked.id FROM unnest(%(related_to)s::text[]) AS asked (id)
ON CONFLICT (discovery_id, related_id) DO NOTHING;

-- hold_discovery --
-- Whose it is; nobody else changes it while the transaction lasts.
SELECT d.agent_id, d.superseded_by
  FROM core.discoveries AS d
 WHERE d.discovery_id = %(discovery_id)s
   FOR NO KEY UPDATE;

-- update_discovery --
-- What is null stays. It is resolved from when it is said to be until it is open again.
UPDATE core.discoveries AS d
   SET status = coalesce(%(status)s, d.status),
       severity = coalesce(%(severity)s, d.severity),
       type = coalesce(%(type)s, d.type),
       summary = coalesce(%(summary)s, d.summary),
       details = coalesce(%(details)s, d.details),
       confidence = coalesce(%(confidence)s::double precision, d.confidence),
       resolved_at = CASE %(status)s::text
                     WHEN 'resolved' THEN coalesce(d.resolved_at, now())
                     WHEN 'open' THEN NULL
                     ELSE d.resolved_at END,
       updated_at = now()
 WHERE d.discovery_id = %(discovery_id)s;

-- supersede_discovery --
UPDATE core.discoveries AS d
   SET superseded_by = %(superseded_by)s, status = 'archived', updated_at = now()
 WHERE d.discovery_id = %(discovery_id)s;

-- successors --
-- Those that took its place, one after the other; a circle is gone round once.
WITH RECURSIVE successor (discovery_id, superseded_by) AS (
     SELECT d.discovery_id, d.superseded_by
       FROM core.discoveries AS d WHERE d.discovery_id = %(discovery_id)s
     UNION
     SELECT d.discovery_id, d.superseded_by
       FROM core.discoveries AS d
       JOIN successor AS s ON d.discovery_id = s.superseded_by)
SELECT s.discovery_id FROM successor AS s;

-- no_two_succeed --
-- Until the transaction ends nothing else is superseded: two at once could close a circle.
SELECT pg_advisory_xact_lock(hashtextextended('discoveries that supersede', 0));

-- discoveries --
-- In full, by id.
SELECT d.discovery_id, d.agent_id, d.type, d.severity, d.status, d.created_at, d.summary,
       d.superseded_by, d.details, d.updated_at, d.resolved_at, d.references_files, d.response_to,
       d.response_type, d.confidence, d.provenance, d.energy, d.integrity, d.entropy, d.void,
       d.coherence, d.regime,
       ARRAY(SELECT t.tag FROM core.discovery_tags AS t
              WHERE t.discovery_id = d.discovery_id ORDER BY t.tag) AS tags,
       ARRAY(SELECT l.related_id FROM core.discovery_links AS l
              WHERE l.discovery_id = d.discovery_id ORDER BY l.related_id) AS related_to
  FROM core.discoveries AS d
 WHERE d.discovery_id = ANY(%(ids)s)
 ORDER BY d.created_at, d.discovery_id;

-- what_came_of --
-- Ids of what answers a discovery, and of what it took the place of.
SELECT ARRAY(SELECT d.discovery_id FROM core.discoveries AS d
              WHERE d.response_to = %(discovery_id)s
              ORDER BY d.created_at, d.discovery_id LIMIT 1000) AS responses,
       ARRAY(SELECT d.discovery_id FROM core.discoveries AS d
              WHERE d.superseded_by = %(discovery_id)s
              ORDER BY d.created_at, d.discovery_id LIMIT 1000) AS supersedes;
