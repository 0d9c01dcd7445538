-- An event of no year would lie in the default partition for ever. Depends on 0002.
-- ensure: SELECT count(*) = 1 FROM pg_catalog.pg_constraint WHERE conrelid = 'audit.events'::regclass AND conname = 'events_recorded_at_check'

ALTER TABLE audit.events ADD CONSTRAINT events_recorded_at_check
    CHECK (recorded_at >= '1900-01-01+00' AND recorded_at < '9999-01-01+00') NOT VALID;
-- Those that lie there already stay until somebody decides; partition_state tells of them.
DO $$
BEGIN
    ALTER TABLE audit.events VALIDATE CONSTRAINT events_recorded_at_check;
EXCEPTION WHEN check_violation THEN
    RAISE WARNING 'audit.events: holds rows outside the years 1900 to 9998';
END
$$;
