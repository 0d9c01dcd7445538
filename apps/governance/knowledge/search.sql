-- search_text --
-- The best first. English words as websearch_to_tsquery reads them: nothing is a wrong query, and
-- one without words finds nothing. The headline is made for the few that are given back only.
WITH asked (query) AS (SELECT websearch_to_tsquery('english', %(query)s)),
hit AS (
     SELECT d.discovery_id, ts_rank_cd(d.search, asked.query, 32)::double precision AS score
       FROM core.discoveries AS d
      CROSS JOIN asked
      WHERE d.search @@ asked.query
        AND (%(superseded)s OR d.superseded_by IS NULL)
        AND (%(found_by)s::text IS NULL OR d.agent_id = %(found_by)s)
        AND (%(type)s::text IS NULL OR d.type = %(type)s)
        AND (%(status)s::text IS NULL OR d.status = %(status)s)
        AND (%(severity)s::text IS NULL OR d.severity = %(severity)s)
        AND NOT EXISTS (
            SELECT FROM unnest(%(tags)s::text[]) AS wanted (tag)
             WHERE NOT EXISTS (SELECT FROM core.discovery_tags AS t
                                WHERE t.discovery_id = d.discovery_id AND t.tag = wanted.tag))
      ORDER BY score DESC, d.created_at DESC, d.discovery_id
      LIMIT %(limit)s OFFSET %(offset)s)
SELECT d.discovery_id, d.agent_id, d.type, d.severity, d.status, d.created_at, d.summary,
       d.superseded_by, hit.score,
       ts_headline('english', d.summary, asked.query,
                   'StartSel=«, StopSel=», HighlightAll=true') AS headline,
       ts_headline('english', d.details, asked.query,
                   'StartSel=«, StopSel=», MaxFragments=3, FragmentDelimiter=" … "') AS excerpt
  FROM hit
  JOIN core.discoveries AS d ON d.discovery_id = hit.discovery_id
 CROSS JOIN asked
 ORDER BY hit.score DESC, d.created_at DESC, d.discovery_id;

-- likeness --
-- How like words must be, until the transaction ends: 0.4 forgives a letter or two in a word.
SELECT set_config('pg_trgm.word_similarity_threshold', '0.4', true),
       set_config('pg_trgm.similarity_threshold', '0.4', true);

-- search_fuzzy --
-- What resembles a part of the summary, or one of the tags; asked apart, so that the first has its index.
WITH alike (discovery_id, score) AS (
     SELECT d.discovery_id, trgm.word_similarity(%(query)s::text, d.summary)
       FROM core.discoveries AS d
      WHERE %(query)s::text OPERATOR(trgm.<%%) d.summary
      UNION ALL
     SELECT t.discovery_id, trgm.similarity(t.tag, %(query)s::text)
       FROM core.discovery_tags AS t
      WHERE t.tag OPERATOR(trgm.%%) %(query)s::text),
best (discovery_id, score) AS (
     SELECT alike.discovery_id, max(alike.score)::double precision FROM alike GROUP BY 1)
SELECT d.discovery_id, d.agent_id, d.type, d.severity, d.status, d.created_at, d.summary,
       d.superseded_by, d.summary AS headline, '' AS excerpt, best.score
  FROM best
  JOIN core.discoveries AS d ON d.discovery_id = best.discovery_id
 WHERE (%(superseded)s OR d.superseded_by IS NULL)
   AND (%(found_by)s::text IS NULL OR d.agent_id = %(found_by)s)
   AND (%(type)s::text IS NULL OR d.type = %(type)s)
   AND (%(status)s::text IS NULL OR d.status = %(status)s)
   AND (%(severity)s::text IS NULL OR d.severity = %(severity)s)
   AND NOT EXISTS (
       SELECT FROM unnest(%(tags)s::text[]) AS wanted (tag)
        WHERE NOT EXISTS (SELECT FROM core.discovery_tags AS t
                           WHERE t.discovery_id = d.discovery_id AND t.tag = wanted.tag))
 ORDER BY best.score DESC, d.created_at DESC, d.discovery_id
 LIMIT %(limit)s OFFSET %(offset)s;

-- newest --
SELECT d.discovery_id, d.agent_id, d.type, d.severity, d.status, d.created_at, d.summary,
       d.superseded_by, d.summary AS headline, '' AS excerpt, 0::double precision AS score
  FROM core.discoveries AS d
 WHERE (%(superseded)s OR d.superseded_by IS NULL)
   AND (%(found_by)s::text IS NULL OR d.agent_id = %(found_by)s)
   AND (%(type)s::text IS NULL OR d.type = %(type)s)
   AND (%(status)s::text IS NULL OR d.status = %(status)s)
   AND (%(severity)s::text IS NULL OR d.severity = %(severity)s)
   AND NOT EXISTS (
       SELECT FROM unnest(%(tags)s::text[]) AS wanted (tag)
        WHERE NOT EXISTS (SELECT FROM core.discovery_tags AS t
                           WHERE t.discovery_id = d.discovery_id AND t.tag = wanted.tag))
 ORDER BY d.created_at DESC, d.discovery_id
 LIMIT %(limit)s OFFSET %(offset)s;

-- related --
-- Each link counts one, the tags of both what they share of all that they have.
WITH mine (tag) AS (
     SELECT t.tag FROM core.discovery_tags AS t WHERE t.discovery_id = %(discovery_id)s),
shared (id, tags) AS (
     SELECT t.discovery_id, array_agg(t.tag ORDER BY t.tag)
       FROM core.discovery_tags AS t
       JOIN mine ON mine.tag = t.tag
      WHERE t.discovery_id <> %(discovery_id)s AND %(by)s IN ('both', 'tags')
      GROUP BY t.discovery_id),
tie (id, tie) AS (
     SELECT l.related_id, 'related_to' FROM core.discovery_links AS l
      WHERE l.discovery_id = %(discovery_id)s
      UNION ALL
     SELECT l.discovery_id, 'related_from' FROM core.discovery_links AS l
      WHERE l.related_id = %(discovery_id)s
      UNION ALL
     SELECT d.response_to, 'responds_to' FROM core.discoveries AS d
      WHERE d.discovery_id = %(discovery_id)s
      UNION ALL
     SELECT d.discovery_id, 'response' FROM core.discoveries AS d
      WHERE d.response_to = %(discovery_id)s
      UNION ALL
     SELECT d.discovery_id, 'supersedes' FROM core.discoveries AS d
      WHERE d.superseded_by = %(discovery_id)s
      UNION ALL
     SELECT d.superseded_by, 'superseded' FROM core.discoveries AS d
      WHERE d.discovery_id = %(discovery_id)s),
linked (id, ties) AS (
     SELECT tie.id, array_agg(tie.tie ORDER BY tie.tie) FROM tie
      WHERE tie.id IS NOT NULL AND %(by)s IN ('both', 'links')
      GROUP BY tie.id)
SELECT d.discovery_id, d.agent_id, d.type, d.severity, d.status, d.created_at, d.summary,
       d.superseded_by, coalesce(shared.tags, '{}') AS shared_tags,
       coalesce(linked.ties, '{}') AS ties,
       coalesce(cardinality(linked.ties), 0)
       + coalesce(cardinality(shared.tags)::double precision
                  / ((SELECT count(*) FROM mine) - cardinality(shared.tags)
                     + (SELECT count(*) FROM core.discovery_tags AS t
                         WHERE t.discovery_id = d.discovery_id)), 0) AS score
  FROM shared
  FULL JOIN linked ON linked.id = shared.id
  JOIN core.discoveries AS d ON d.discovery_id = coalesce(shared.id, linked.id)
 ORDER BY score DESC, d.created_at DESC, d.discovery_id
 LIMIT %(limit)s;

-- root_of_chain --
-- The first that answers nothing, going up; of a circle the one that was told first.
WITH RECURSIVE above (discovery_id, response_to, created_at, up) AS (
     SELECT d.discovery_id, d.response_to, d.created_at, 0
       FROM core.discoveries AS d WHERE d.discovery_id = %(discovery_id)s
      UNION ALL
     SELECT d.discovery_id, d.response_to, d.created_at, above.up + 1
       FROM above
       JOIN core.discoveries AS d ON d.discovery_id = above.response_to)
     CYCLE discovery_id SET circular USING trail
SELECT above.discovery_id, bool_or(above.circular) OVER () AS circular
  FROM above
 ORDER BY above.response_to IS NULL DESC, above.created_at, above.discovery_id
 LIMIT 1;

-- chain --
-- What answers it, and so on; each once, after what it answers.
WITH RECURSIVE chain (discovery_id, depth) AS (
     SELECT d.discovery_id, 0
       FROM core.discoveries AS d WHERE d.discovery_id = %(root)s
      UNION ALL
     SELECT d.discovery_id, chain.depth + 1
       FROM chain
       JOIN core.discoveries AS d ON d.response_to = chain.discovery_id)
     CYCLE discovery_id SET circular USING trail
SELECT d.discovery_id, d.agent_id, d.type, d.severity, d.status, d.created_at, d.summary,
       d.superseded_by, chain.depth, d.response_to, d.response_type
  FROM chain
  JOIN core.discoveries AS d ON d.discovery_id = chain.discovery_id
 WHERE NOT chain.circular
 ORDER BY chain.depth, d.created_at, d.discovery_id
 LIMIT %(limit)s;
