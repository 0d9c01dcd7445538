-- Forgets the gaps of the outbox, and when its check-ins were composed by the clock of the boot.
-- lossy: every gap that governance was not told of, and the monotonic time of what waits
DROP TABLE outbox_gaps;
ALTER TABLE outbox_rejected DROP COLUMN monotonic_seconds;
ALTER TABLE outbox DROP COLUMN monotonic_seconds;
