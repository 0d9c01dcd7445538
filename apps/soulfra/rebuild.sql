-- seen --
-- What this transaction sees, and how far a follower was then.
SELECT pg_current_snapshot()::text,
       coalesce((SELECT f.transaction_id FROM log.followers AS f
                  WHERE f.follower = %(follower)s), 0);

-- columns --
SELECT a.attname::text || ' ' || format_type(a.atttypid, a.atttypmod)
  FROM pg_catalog.pg_attribute AS a
 WHERE a.attrelid = %(table)s::regclass AND a.attnum > 0 AND NOT a.attisdropped;

-- last --
-- The last transaction of the log.
SELECT coalesce(max(e.transaction_id), 0) FROM log.events AS e;

-- note_mended --
-- When tables were put right, and as of where: what was kept of them may be wrong.
INSERT INTO log.followers AS m (follower, transaction_id, position, taken, recorded_at, moved_at)
SELECT %(mended)s, f.transaction_id, f.position, f.taken, f.recorded_at, clock_timestamp()
  FROM log.followers AS f
 WHERE f.follower = %(follower)s
ON CONFLICT (follower) DO UPDATE
   SET transaction_id = excluded.transaction_id, position = excluded.position,
       taken = excluded.taken, recorded_at = excluded.recorded_at, moved_at = excluded.moved_at;

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
