-- hold --
SELECT pg_try_advisory_lock(hashtext(%(schema)s));

-- let_go --
SELECT pg_advisory_unlock(hashtext(%(schema)s));

-- rest --
-- All of the last transaction counts.
SELECT count(*) FROM log.events AS e
 WHERE e.transaction_id > %(after)s AND e.transaction_id <= %(last)s;

-- parts --
-- The partitions of a table, and what is in them.
SELECT c.relname, pg_get_expr(c.relpartbound, c.oid)
  FROM pg_catalog.pg_inherits AS i
  JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid
 WHERE i.inhparent = %(table)s::regclass
 ORDER BY c.relname;
