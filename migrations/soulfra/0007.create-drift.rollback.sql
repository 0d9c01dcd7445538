-- Takes back how all drift. It follows from the log, and is counted anew from it.
-- lossy: all rows of drift.ratings, drift.volatility

DROP INDEX soulfra.votings_closed_at_idx;
DELETE FROM log.followers WHERE follower = 'drift';
DROP TABLE drift.volatility;
DROP TABLE drift.ratings;
DROP SCHEMA drift;
