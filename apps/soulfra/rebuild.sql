-- hold --
SELECT pg_try_advisory_lock(hashtext('soulfra.rebuild'));

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

-- last --
-- The last transaction of the log.
SELECT coalesce(max(e.transaction_id), 0) FROM log.events AS e;

-- lock --
-- As strong as the policies need that are made anew at the end: none is asked for more in between.
LOCK TABLE log.events IN ACCESS EXCLUSIVE MODE;

-- lock_months --
-- As soulfra.create_loop_months does.
SELECT pg_advisory_xact_lock(hashtext('soulfra.loops'));

-- sequences --
SELECT pg_get_serial_sequence(%(table)s, a.attname)
  FROM pg_catalog.pg_attribute AS a
 WHERE a.attrelid = %(table)s::regclass AND a.attidentity <> '';
