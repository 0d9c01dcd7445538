-- clear_discoveries --
-- Every vertex of a discovery; first what leads to or from one.
DELETE FROM governance_graph."Discovery";

-- clear_discovered --
DELETE FROM governance_graph."DISCOVERED";

-- clear_has_tag --
-- What agents are tagged with stays.
DELETE FROM governance_graph."HAS_TAG" AS t
 USING governance_graph."Discovery" AS d
 WHERE t.start_id OPERATOR(ag_catalog.=) d.id;

-- clear_related_to --
DELETE FROM governance_graph."RELATED_TO";

-- clear_response_to --
DELETE FROM governance_graph."RESPONSE_TO";

-- ids --
-- As the label's own default gives them, so many at once: edges need not ask for them again.
SELECT ag_catalog._graphid(l.id, nextval('governance_graph."Discovery_id_seq"'))
  FROM (SELECT ag_catalog._label_id('governance_graph', 'Discovery')::integer AS id) AS l,
       generate_series(1, %(count)s);

-- copy_discoveries --
COPY governance_graph."Discovery" (id, properties) FROM STDIN;

-- copy_discovered --
COPY governance_graph."DISCOVERED" (start_id, end_id) FROM STDIN;

-- copy_has_tag --
COPY governance_graph."HAS_TAG" (start_id, end_id) FROM STDIN;

-- copy_related_to --
COPY governance_graph."RELATED_TO" (start_id, end_id, properties) FROM STDIN;

-- copy_response_to --
COPY governance_graph."RESPONSE_TO" (start_id, end_id, properties) FROM STDIN;

-- places --
-- AGE's ids of vertices by label and key.
SELECT 'Discovery' AS label, ag_catalog.agtype_access_operator(
       VARIADIC ARRAY[v.properties, '"id"'::ag_catalog.agtype])::text AS key, v.id
  FROM governance_graph."Discovery" AS v
 WHERE ag_catalog.agtype_access_operator(VARIADIC ARRAY[v.properties, '"id"'::ag_catalog.agtype])
       OPERATOR(ag_catalog.=) ANY(%(Discovery)b::text[]::ag_catalog.agtype[])
 UNION ALL
SELECT 'Agent', ag_catalog.agtype_access_operator(
       VARIADIC ARRAY[v.properties, '"id"'::ag_catalog.agtype])::text, v.id
  FROM governance_graph."Agent" AS v
 WHERE ag_catalog.agtype_access_operator(VARIADIC ARRAY[v.properties, '"id"'::ag_catalog.agtype])
       OPERATOR(ag_catalog.=) ANY(%(Agent)b::text[]::ag_catalog.agtype[])
 UNION ALL
SELECT 'Tag', ag_catalog.agtype_access_operator(
       VARIADIC ARRAY[v.properties, '"name"'::ag_catalog.agtype])::text, v.id
  FROM governance_graph."Tag" AS v
 WHERE ag_catalog.agtype_access_operator(VARIADIC ARRAY[v.properties, '"name"'::ag_catalog.agtype])
       OPERATOR(ag_catalog.=) ANY(%(Tag)b::text[]::ag_catalog.agtype[]);
