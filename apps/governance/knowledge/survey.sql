-- lineage --
-- Parents up to the first, and children down to the last; each once.
WITH RECURSIVE above (agent_id, parent_agent_id, depth) AS (
     SELECT i.agent_id, i.parent_agent_id, 0
       FROM core.identities AS i WHERE i.agent_id = %(of)s
      UNION ALL
     SELECT i.agent_id, i.parent_agent_id, above.depth - 1
       FROM above
       JOIN core.identities AS i ON i.agent_id = above.parent_agent_id)
     CYCLE agent_id SET circular USING trail,
below (agent_id, depth) AS (
     SELECT i.agent_id, 0
       FROM core.identities AS i WHERE i.agent_id = %(of)s
      UNION ALL
     SELECT i.agent_id, below.depth + 1
       FROM below
       JOIN core.identities AS i ON i.parent_agent_id = below.agent_id)
     CYCLE agent_id SET circular USING trail,
both_ways (agent_id, depth, circular) AS (
     SELECT a.agent_id, a.depth, a.circular FROM above AS a
      UNION
     SELECT b.agent_id, b.depth, b.circular FROM below AS b)
SELECT i.agent_id, i.parent_agent_id, i.spawn_reason, i.status, b.depth,
       (SELECT count(*) FROM core.discoveries AS d WHERE d.agent_id = i.agent_id) AS discoveries,
       b.circular
  FROM both_ways AS b
  JOIN core.identities AS i ON i.agent_id = b.agent_id
 ORDER BY b.depth, i.agent_id
 LIMIT 1000;

-- stats --
-- How much there is. What is counted twice, in rows and in the graph, must be equal.
SELECT (SELECT count(*) FROM core.discoveries) AS discoveries,
       (SELECT count(DISTINCT d.agent_id) FROM core.discoveries AS d) AS agents,
       (SELECT count(*) FROM core.discovery_links) AS links,
       (SELECT count(*) FROM core.discoveries AS d WHERE d.superseded_by IS NOT NULL)
       AS superseded,
       (SELECT max(d.created_at) FROM core.discoveries AS d) AS newest_at,
       (SELECT coalesce(jsonb_object_agg(c.type, c.n), '{}') FROM (
               SELECT d.type, count(*) AS n FROM core.discoveries AS d GROUP BY 1) AS c)
       AS by_type,
       (SELECT coalesce(jsonb_object_agg(c.status, c.n), '{}') FROM (
               SELECT d.status, count(*) AS n FROM core.discoveries AS d GROUP BY 1) AS c)
       AS by_status,
       (SELECT coalesce(jsonb_object_agg(c.severity, c.n), '{}') FROM (
               SELECT coalesce(d.severity, 'none') AS severity, count(*) AS n
                 FROM core.discoveries AS d GROUP BY 1) AS c)
       AS by_severity,
       (SELECT coalesce(jsonb_object_agg(c.tag, c.n), '{}') FROM (
               SELECT t.tag, count(*) AS n FROM core.discovery_tags AS t
                GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 20) AS c)
       AS top_tags,
       jsonb_build_object(
           'Discovery', (SELECT count(*) FROM governance_graph."Discovery"),
           'Agent', (SELECT count(*) FROM governance_graph."Agent"),
           'Tag', (SELECT count(*) FROM governance_graph."Tag"),
           'DISCOVERED', (SELECT count(*) FROM governance_graph."DISCOVERED"),
           'HAS_TAG', (SELECT count(*) FROM governance_graph."HAS_TAG" AS e
                        JOIN governance_graph."Discovery" AS d
                          ON d.id OPERATOR(ag_catalog.=) e.start_id),
           'RELATED_TO', (SELECT count(*) FROM governance_graph."RELATED_TO"),
           'RESPONSE_TO', (SELECT count(*) FROM governance_graph."RESPONSE_TO")) AS graph,
       jsonb_build_object(
           'Discovery', (SELECT count(*) FROM core.discoveries),
           'DISCOVERED', (SELECT count(*) FROM core.discoveries),
           'HAS_TAG', (SELECT count(*) FROM core.discovery_tags),
           'RELATED_TO', (SELECT count(*) FROM core.discovery_links)
                         + (SELECT count(*) FROM core.discoveries AS d
                             WHERE d.superseded_by IS NOT NULL),
           'RESPONSE_TO', (SELECT count(*) FROM core.discoveries AS d
                            WHERE d.response_to IS NOT NULL)) AS rows;
