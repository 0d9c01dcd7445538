-- Drops every recorded feeling.
DROP INDEX state_history_timestamp_idx;
DROP TABLE state_history;
