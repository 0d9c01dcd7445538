-- hold --
-- One at a time reads from the log what a group missed.
SELECT pg_try_advisory_lock(hashtextextended('soulfra.follower/' || %(follower)s, 0));

-- let_go --
SELECT pg_advisory_unlock(hashtextextended('soulfra.follower/' || %(follower)s, 0));

-- move --
-- Only on; Redis may have been restored to an older state.
INSERT INTO log.followers AS f (follower, transaction_id, position, taken)
VALUES (%(follower)s, %(transaction_id)s, %(position)s, %(taken)s)
ON CONFLICT (follower) DO UPDATE
   SET transaction_id = excluded.transaction_id, position = excluded.position,
       taken = f.taken + excluded.taken, moved_at = clock_timestamp()
 WHERE (f.transaction_id, f.position) < (excluded.transaction_id, excluded.position);
