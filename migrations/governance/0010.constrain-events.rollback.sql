-- Lets events be of any time again.

ALTER TABLE audit.events DROP CONSTRAINT events_recorded_at_check;
