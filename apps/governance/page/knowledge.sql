-- newest --
-- What was found out last: of one tag, of one agent, or of anybody.
SELECT d.discovery_id, d.agent_id, d.type, d.severity, d.status, d.created_at, d.summary,
       '' AS excerpt
  FROM core.discoveries AS d
 WHERE (%(agent)s = '' OR d.agent_id = %(agent)s)
   AND (%(tag)s = '' OR EXISTS (SELECT 1 FROM core.discovery_tags AS t
                                 WHERE t.discovery_id = d.discovery_id AND t.tag = %(tag)s))
   AND d.created_at < %(before)s
 ORDER BY d.created_at DESC, d.discovery_id
 LIMIT %(limit)s;

-- found --
-- What a text is found in, the best first; what was hit stands between \x02 and \x03.
SELECT d.discovery_id, d.agent_id, d.type, d.severity, d.status, d.created_at,
       ts_headline('english', d.summary, hit.query,
                   'HighlightAll=true, StartSel=' || chr(2) || ', StopSel=' || chr(3)) AS summary,
       ts_headline('english', d.details, hit.query,
                   'MaxFragments=1, MaxWords=28, MinWords=12, StartSel=' || chr(2)
                   || ', StopSel=' || chr(3)) AS excerpt
  FROM (SELECT f.discovery_id, f.query, f.rank
          FROM (SELECT s.discovery_id, q.query, ts_rank_cd(s.search, q.query) AS rank
                  FROM websearch_to_tsquery('english', %(sought)s) AS q (query)
                  JOIN core.discoveries AS s ON s.search @@ q.query
                 LIMIT %(depth)s) AS f
         ORDER BY f.rank DESC, f.discovery_id
         LIMIT %(limit)s) AS hit
  JOIN core.discoveries AS d ON d.discovery_id = hit.discovery_id
 ORDER BY hit.rank DESC, d.discovery_id;

-- tags --
-- The words that most discoveries have.
SELECT t.tag, count(*) AS discoveries
  FROM (SELECT given.tag FROM core.discovery_tags AS given LIMIT 50000) AS t
 GROUP BY t.tag
 ORDER BY count(*) DESC, t.tag
 LIMIT %(limit)s;

-- discovery --
-- One discovery, in full.
SELECT d.discovery_id, d.agent_id, d.type, d.severity, d.status, d.created_at, d.updated_at,
       d.resolved_at, d.summary, d.details, d.references_files, d.response_to, d.response_type,
       d.confidence, d.energy, d.integrity, d.entropy, d.void, d.coherence,
       ARRAY(SELECT t.tag FROM core.discovery_tags AS t
              WHERE t.discovery_id = d.discovery_id ORDER BY t.tag) AS tags
  FROM core.discoveries AS d
 WHERE d.discovery_id = %(discovery)s;

-- neighbours --
-- What a discovery answers, what answers it, what it is linked to, what shares most of its tags.
(SELECT 'answers' AS manner, coalesce(d.response_type, '') AS how,
        other.discovery_id, other.type, other.summary
   FROM core.discoveries AS d
   JOIN core.discoveries AS other ON other.discovery_id = d.response_to
  WHERE d.discovery_id = %(discovery)s)
UNION ALL
(SELECT 'is answered by', coalesce(other.response_type, ''),
        other.discovery_id, other.type, other.summary
   FROM core.discoveries AS other
  WHERE other.response_to = %(discovery)s
  ORDER BY other.created_at DESC LIMIT %(limit)s)
UNION ALL
(SELECT 'is related to', '', other.discovery_id, other.type, other.summary
   FROM core.discovery_links AS l
   JOIN core.discoveries AS other ON other.discovery_id = l.related_id
  WHERE l.discovery_id = %(discovery)s
  ORDER BY l.created_at DESC LIMIT %(limit)s)
UNION ALL
(SELECT 'is named by', '', other.discovery_id, other.type, other.summary
   FROM core.discovery_links AS l
   JOIN core.discoveries AS other ON other.discovery_id = l.discovery_id
  WHERE l.related_id = %(discovery)s
  ORDER BY l.created_at DESC LIMIT %(limit)s)
UNION ALL
(SELECT 'shares a tag with', like_it.tags, other.discovery_id, other.type, other.summary
   FROM (SELECT near.discovery_id, string_agg(near.tag, ', ' ORDER BY near.tag) AS tags,
                count(*) AS shared
           FROM (SELECT t.discovery_id, t.tag
                   FROM core.discovery_tags AS mine
                   JOIN core.discovery_tags AS t ON t.tag = mine.tag
                  WHERE mine.discovery_id = %(discovery)s
                    AND t.discovery_id <> mine.discovery_id
                  LIMIT 5000) AS near
          GROUP BY near.discovery_id
          ORDER BY count(*) DESC, near.discovery_id DESC
          LIMIT 4) AS like_it
   JOIN core.discoveries AS other ON other.discovery_id = like_it.discovery_id
  ORDER BY like_it.shared DESC, other.discovery_id DESC);

-- disputes --
-- The newest of each standing, together the newest of all.
SELECT s.session_id, s.session_type, s.phase, s.status, s.paused_agent_id, s.reviewer_agent_id,
       s.reason, s.topic, s.created_at, s.updated_at, s.synthesis_round, s.max_synthesis_rounds,
       s.resolution_action
  FROM unnest(%(standings)s::text[]) AS standing (word)
 CROSS JOIN LATERAL (
       SELECT d.session_id, d.session_type, d.phase, d.status, d.paused_agent_id,
              d.reviewer_agent_id, d.reason, d.topic, d.created_at, d.updated_at,
              d.synthesis_round, d.max_synthesis_rounds, d.resolution_action
         FROM dialectic.sessions AS d
        WHERE d.status = standing.word AND d.created_at < %(before)s
        ORDER BY d.created_at DESC
        LIMIT %(limit)s) AS s
 ORDER BY s.created_at DESC, s.session_id
 LIMIT %(limit)s;

-- disputes_of --
-- Those in which one agent is paused or answers.
SELECT d.session_id, d.session_type, d.phase, d.status, d.paused_agent_id, d.reviewer_agent_id,
       d.reason, d.topic, d.created_at, d.updated_at, d.synthesis_round, d.max_synthesis_rounds,
       d.resolution_action
  FROM dialectic.sessions AS d
 WHERE d.paused_agent_id = %(agent)s OR d.reviewer_agent_id = %(agent)s
 ORDER BY d.created_at DESC, d.session_id
 LIMIT %(limit)s;

-- dispute --
-- One dispute.
SELECT d.session_id, d.session_type, d.phase, d.status, d.paused_agent_id, d.reviewer_agent_id,
       d.reason, d.topic, d.created_at, d.updated_at, d.synthesis_round, d.max_synthesis_rounds,
       d.resolution_action, d.discovery_id, d.dispute_type, d.resolved_at, d.resolution_json
  FROM dialectic.sessions AS d
 WHERE d.session_id = %(dispute)s;

-- transcript --
-- What was said in it, in order.
SELECT m.seq, m.agent_id, m.message_type, m.recorded_at, m.root_cause, m.proposed_conditions,
       m.reasoning, m.observed_metrics, m.concerns, m.agrees
  FROM dialectic.messages AS m
 WHERE m.session_id = %(dispute)s
 ORDER BY m.seq
 LIMIT %(limit)s;
