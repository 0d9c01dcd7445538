-- agents_as_they_are --
-- What an agent's vertex repeats.
SELECT i.agent_id, i.status, i.created_at
  FROM core.identities AS i
 WHERE i.agent_id = ANY(%(agents)s);

-- hold_agents --
-- As apps/governance/graph.sql holds each: until the transaction ends, in the order of their names.
SELECT pg_advisory_xact_lock(hashtextextended('graph/Agent/' || held.agent, 0))
  FROM (SELECT asked.agent FROM unnest(%(agents)s::text[]) AS asked (agent) ORDER BY 1) AS held;

-- put_agents --
-- A vertex for each; one that is there gets the new properties.
INSERT INTO governance_graph."Agent" AS v (properties)
SELECT asked.properties
  FROM unnest(%(properties)s::ag_catalog.agtype[]) AS asked (properties)
 ORDER BY asked.properties
ON CONFLICT (ag_catalog.agtype_access_operator(
             VARIADIC ARRAY[properties, '"id"'::ag_catalog.agtype])) DO UPDATE
   SET properties = excluded.properties
 WHERE v.properties OPERATOR(ag_catalog.<>) excluded.properties;

-- put_tags --
-- A vertex for each that has none. Sorted: two at once would else wait for each other for ever.
INSERT INTO governance_graph."Tag" (properties)
SELECT asked.properties
  FROM unnest(%(properties)s::ag_catalog.agtype[]) AS asked (properties)
 ORDER BY asked.properties
ON CONFLICT (ag_catalog.agtype_access_operator(
             VARIADIC ARRAY[properties, '"name"'::ag_catalog.agtype])) DO NOTHING;

-- put_discoveries --
INSERT INTO governance_graph."Discovery" AS v (properties)
SELECT asked.properties
  FROM unnest(%(properties)s::ag_catalog.agtype[]) AS asked (properties)
 ORDER BY asked.properties
ON CONFLICT (ag_catalog.agtype_access_operator(
             VARIADIC ARRAY[properties, '"id"'::ag_catalog.agtype])) DO UPDATE
   SET properties = excluded.properties
 WHERE v.properties OPERATOR(ag_catalog.<>) excluded.properties;

-- tie_discovered --
INSERT INTO governance_graph."DISCOVERED" (start_id, end_id)
SELECT s.id, e.id
  FROM unnest(%(starts)s::ag_catalog.agtype[], %(ends)s::ag_catalog.agtype[])
       AS asked (start_key, end_key)
  JOIN governance_graph."Agent" AS s
    ON ag_catalog.agtype_access_operator(VARIADIC ARRAY[s.properties, '"id"'::ag_catalog.agtype])
       OPERATOR(ag_catalog.=) asked.start_key
  JOIN governance_graph."Discovery" AS e
    ON ag_catalog.agtype_access_operator(VARIADIC ARRAY[e.properties, '"id"'::ag_catalog.agtype])
       OPERATOR(ag_catalog.=) asked.end_key;

-- tie_has_tag --
INSERT INTO governance_graph."HAS_TAG" (start_id, end_id)
SELECT s.id, e.id
  FROM unnest(%(starts)s::ag_catalog.agtype[], %(ends)s::ag_catalog.agtype[])
       AS asked (start_key, end_key)
  JOIN governance_graph."Discovery" AS s
    ON ag_catalog.agtype_access_operator(VARIADIC ARRAY[s.properties, '"id"'::ag_catalog.agtype])
       OPERATOR(ag_catalog.=) asked.start_key
  JOIN governance_graph."Tag" AS e
    ON ag_catalog.agtype_access_operator(VARIADIC ARRAY[e.properties, '"name"'::ag_catalog.agtype])
       OPERATOR(ag_catalog.=) asked.end_key;

-- tie_related_to --
INSERT INTO governance_graph."RELATED_TO" (start_id, end_id)
SELECT s.id, e.id
  FROM unnest(%(starts)s::ag_catalog.agtype[], %(ends)s::ag_catalog.agtype[])
       AS asked (start_key, end_key)
  JOIN governance_graph."Discovery" AS s
    ON ag_catalog.agtype_access_operator(VARIADIC ARRAY[s.properties, '"id"'::ag_catalog.agtype])
       OPERATOR(ag_catalog.=) asked.start_key
  JOIN governance_graph."Discovery" AS e
    ON ag_catalog.agtype_access_operator(VARIADIC ARRAY[e.properties, '"id"'::ag_catalog.agtype])
       OPERATOR(ag_catalog.=) asked.end_key;

-- tie_response_to --
INSERT INTO governance_graph."RESPONSE_TO" (start_id, end_id, properties)
SELECT s.id, e.id, asked.properties
  FROM unnest(%(starts)s::ag_catalog.agtype[], %(ends)s::ag_catalog.agtype[],
              %(properties)s::ag_catalog.agtype[]) AS asked (start_key, end_key, properties)
  JOIN governance_graph."Discovery" AS s
    ON ag_catalog.agtype_access_operator(VARIADIC ARRAY[s.properties, '"id"'::ag_catalog.agtype])
       OPERATOR(ag_catalog.=) asked.start_key
  JOIN governance_graph."Discovery" AS e
    ON ag_catalog.agtype_access_operator(VARIADIC ARRAY[e.properties, '"id"'::ag_catalog.agtype])
       OPERATOR(ag_catalog.=) asked.end_key;

-- tie_supersedes --
INSERT INTO governance_graph."RELATED_TO" (start_id, end_id, properties)
SELECT s.id, e.id, '{"supersedes": true}'::ag_catalog.agtype
  FROM unnest(%(starts)s::ag_catalog.agtype[], %(ends)s::ag_catalog.agtype[])
       AS asked (start_key, end_key)
  JOIN governance_graph."Discovery" AS s
    ON ag_catalog.agtype_access_operator(VARIADIC ARRAY[s.properties, '"id"'::ag_catalog.agtype])
       OPERATOR(ag_catalog.=) asked.start_key
  JOIN governance_graph."Discovery" AS e
    ON ag_catalog.agtype_access_operator(VARIADIC ARRAY[e.properties, '"id"'::ag_catalog.agtype])
       OPERATOR(ag_catalog.=) asked.end_key;

-- untie_has_tag --
-- Every tag of a discovery.
DELETE FROM governance_graph."HAS_TAG" AS t
 USING governance_graph."Discovery" AS s
 WHERE t.start_id OPERATOR(ag_catalog.=) s.id
   AND ag_catalog.agtype_access_operator(VARIADIC ARRAY[s.properties, '"id"'::ag_catalog.agtype])
       OPERATOR(ag_catalog.=) %(key)s::ag_catalog.agtype;

-- untie_related_to --
-- What a discovery says it is related to; not whose place it took.
DELETE FROM governance_graph."RELATED_TO" AS t
 USING governance_graph."Discovery" AS s
 WHERE t.start_id OPERATOR(ag_catalog.=) s.id
   AND NOT t.properties OPERATOR(ag_catalog.?) '"supersedes"'::ag_catalog.agtype
   AND ag_catalog.agtype_access_operator(VARIADIC ARRAY[s.properties, '"id"'::ag_catalog.agtype])
       OPERATOR(ag_catalog.=) %(key)s::ag_catalog.agtype;

-- untie_superseded --
-- What took a discovery's place.
DELETE FROM governance_graph."RELATED_TO" AS t
 USING governance_graph."Discovery" AS e
 WHERE t.end_id OPERATOR(ag_catalog.=) e.id
   AND t.properties OPERATOR(ag_catalog.?) '"supersedes"'::ag_catalog.agtype
   AND ag_catalog.agtype_access_operator(VARIADIC ARRAY[e.properties, '"id"'::ag_catalog.agtype])
       OPERATOR(ag_catalog.=) %(key)s::ag_catalog.agtype;
