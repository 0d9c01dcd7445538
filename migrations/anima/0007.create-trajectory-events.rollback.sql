-- Forgets the way that the creature came.
-- lossy: every recorded moment of it
DROP INDEX trajectory_events_timestamp_idx;
DROP TABLE trajectory_events;
