-- vertex --
-- The one of a label that has this key.
SELECT v.id
  FROM governance_graph."Discovery" AS v
 WHERE %(label)s = 'Discovery'
   AND ag_catalog.agtype_access_operator(VARIADIC ARRAY[v.properties, '"id"'::ag_catalog.agtype])
       OPERATOR(ag_catalog.=) %(key)s::ag_catalog.agtype
 UNION ALL
SELECT v.id
  FROM governance_graph."Agent" AS v
 WHERE %(label)s = 'Agent'
   AND ag_catalog.agtype_access_operator(VARIADIC ARRAY[v.properties, '"id"'::ag_catalog.agtype])
       OPERATOR(ag_catalog.=) %(key)s::ag_catalog.agtype
 UNION ALL
SELECT v.id
  FROM governance_graph."Tag" AS v
 WHERE %(label)s = 'Tag'
   AND ag_catalog.agtype_access_operator(VARIADIC ARRAY[v.properties, '"name"'::ag_catalog.agtype])
       OPERATOR(ag_catalog.=) %(key)s::ag_catalog.agtype
 UNION ALL
SELECT v.id
  FROM governance_graph."DialecticSession" AS v
 WHERE %(label)s = 'DialecticSession'
   AND ag_catalog.agtype_access_operator(VARIADIC ARRAY[v.properties, '"id"'::ag_catalog.agtype])
       OPERATOR(ag_catalog.=) %(key)s::ag_catalog.agtype;

-- edges_at --
-- Every edge that begins or ends at one of these. All labels: each has an index on either end.
SELECT e.id, e.start_id, e.end_id, e.tableoid
  FROM governance_graph._ag_label_edge AS e
 WHERE e.start_id OPERATOR(ag_catalog.=) ANY(%(ids)s::ag_catalog.graphid[])
 UNION ALL
SELECT e.id, e.start_id, e.end_id, e.tableoid
  FROM governance_graph._ag_label_edge AS e
 WHERE e.end_id OPERATOR(ag_catalog.=) ANY(%(ids)s::ag_catalog.graphid[])
 LIMIT %(limit)s;

-- vertices --
-- What they are and what is known of them.
SELECT v.id, c.relname, ag_catalog.agtype_out(v.properties)::text
  FROM governance_graph._ag_label_vertex AS v
  JOIN pg_catalog.pg_class AS c ON c.oid = v.tableoid
 WHERE v.id OPERATOR(ag_catalog.=) ANY(%(ids)s::ag_catalog.graphid[]);

-- labels --
-- The labels of tables.
SELECT c.oid, c.relname FROM pg_catalog.pg_class AS c WHERE c.oid = ANY(%(tables)s::oid[]);

-- one_moment --
-- The graph as it was at one moment, however many statements look at it.
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY;
