-- hold --
SELECT pg_try_advisory_lock(hashtext('soulfra.rebuild'));

-- horizon --
-- What is older than this is over; readers of the log go no further.
SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint;

-- chunk --
-- The last of the next transactions that hold about so many events, and how many they are.
SELECT max(e.transaction_id), count(*)
  FROM (SELECT v.transaction_id FROM log.events AS v
         WHERE v.transaction_id > %(after)s AND v.transaction_id < %(horizon)s
         ORDER BY v.transaction_id, v.position
         LIMIT %(limit)s) AS e;

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

-- lock --
LOCK TABLE log.events IN EXCLUSIVE MODE;

-- lock_months --
-- As soulfra.create_loop_months does.
SELECT pg_advisory_xact_lock(hashtext('soulfra.loops'));

-- sequences --
SELECT pg_get_serial_sequence(%(table)s, a.attname)
  FROM pg_catalog.pg_attribute AS a
 WHERE a.attrelid = %(table)s::regclass AND a.attidentity <> '';
