-- Forgets who the creature is and what happened to it.
DROP INDEX events_timestamp_idx;
DROP TABLE events;
DROP TABLE identity;
