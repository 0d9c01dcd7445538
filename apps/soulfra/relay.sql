-- hold --
-- One relay at a time. Not by the follower's row: a row's lock gives the transaction a number, and
-- whoever follows the log would have to wait while Redis is spoken to.
SELECT pg_try_advisory_xact_lock(hashtextextended('soulfra.follower/' || %(follower)s, 0));

-- oldest --
-- When the oldest event that is not passed on yet was recorded.
SELECT e.recorded_at
  FROM log.events AS e
 WHERE (e.transaction_id, e.position) > (%(transaction_id)s, %(position)s)
 ORDER BY e.transaction_id, e.position
 LIMIT 1;
