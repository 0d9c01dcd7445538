-- hold --
-- One check at a time in this scratch database.
SELECT pg_try_advisory_lock(%(key)s::bigint);

-- graphs --
-- AGE's graphs here: a schema with these two tables is one.
SELECT n.nspname
  FROM pg_namespace AS n
  JOIN pg_class AS c ON c.relnamespace = n.oid
 WHERE c.relname IN ('_ag_label_vertex', '_ag_label_edge')
 GROUP BY n.nspname
HAVING count(*) = 2;

-- drop_graph --
-- A graph with all its labels, and its rows in AGE's own tables.
SELECT ag_catalog.drop_graph(%(graph)s, true);

-- drops --
-- The statements that drop each schema of ours and what was put into "public".
SELECT format('DROP SCHEMA %I CASCADE', n.nspname)
  FROM pg_namespace AS n
 WHERE n.nspowner = (SELECT r.oid FROM pg_roles AS r WHERE r.rolname = current_user)
UNION ALL
SELECT format('DROP %s %s CASCADE', CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'S' THEN 'SEQUENCE'
                                         WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END,
              c.oid::regclass)
  FROM pg_class AS c
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
   AND c.relowner = (SELECT r.oid FROM pg_roles AS r WHERE r.rolname = current_user);
