-- forget_follower --
DELETE FROM log.followers AS f WHERE f.follower = %(follower)s;

-- hold --
SELECT pg_try_advisory_lock(hashtext('soulfra.drift'));

-- let_go --
SELECT pg_advisory_unlock(hashtext('soulfra.drift'));

-- make --
-- What a killed one left goes.
DROP SCHEMA IF EXISTS drift_anew CASCADE;
CREATE SCHEMA drift_anew;
CREATE TABLE drift_anew.ratings (LIKE drift.ratings INCLUDING ALL);
CREATE TABLE drift_anew.volatility (LIKE drift.volatility INCLUDING ALL);
INSERT INTO drift_anew.volatility (singleton) VALUES (true);

-- drop --
DROP SCHEMA IF EXISTS drift_anew CASCADE;

-- swap --
-- Nobody who reads for long is waited for: it can be run again.
SET LOCAL lock_timeout = 2000;
LOCK TABLE drift.ratings, drift.volatility IN ACCESS EXCLUSIVE MODE;
DROP TABLE drift.ratings, drift.volatility;
ALTER TABLE drift_anew.ratings SET SCHEMA drift;
ALTER TABLE drift_anew.volatility SET SCHEMA drift;

-- move --
UPDATE log.followers AS f
   SET transaction_id = n.transaction_id, position = n.position, taken = n.taken,
       recorded_at = n.recorded_at, moved_at = clock_timestamp()
  FROM log.followers AS n
 WHERE f.follower = %(follower)s AND n.follower = %(anew)s;
