-- hold --
-- One relay at a time. Not by the follower's row: a row's lock gives the transaction a number, and
-- whoever follows the log would have to wait while Redis is spoken to.
SELECT pg_try_advisory_xact_lock(hashtextextended('soulfra.follower/' || %(follower)s, 0));

-- place --
SELECT f.transaction_id, f.position FROM log.followers AS f WHERE f.follower = %(follower)s;

-- oldest --
-- When the oldest event that is not passed on yet was recorded.
SELECT e.recorded_at
  FROM log.events AS e
 WHERE (e.transaction_id, e.position) > (%(transaction_id)s, %(position)s)
 ORDER BY e.transaction_id, e.position
 LIMIT 1;

-- move --
-- Only from where it was seen: the row is what decides, should two have held it after all.
INSERT INTO log.followers AS f (follower, transaction_id, position, taken, recorded_at)
VALUES (%(follower)s, %(transaction_id)s, %(position)s, %(taken)s, %(recorded_at)s)
ON CONFLICT (follower) DO UPDATE
   SET transaction_id = excluded.transaction_id, position = excluded.position,
       taken = f.taken + excluded.taken, recorded_at = excluded.recorded_at,
       moved_at = clock_timestamp()
 WHERE (f.transaction_id, f.position) = (%(from_transaction_id)s, %(from_position)s);
