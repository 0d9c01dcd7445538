-- Every version of the thresholds, and how sure an agent was of what it attempted.
-- Depends on 0001 and 0004.
-- ensure: SELECT count(*) = 2 FROM pg_catalog.pg_trigger WHERE tgrelid = 'core.calibration'::regclass AND NOT tgisinternal
-- ensure: SELECT count(*) = 1 FROM pg_catalog.pg_attribute WHERE attrelid = 'audit.outcome_events'::regclass AND attname = 'confidence'

ALTER TABLE core.calibration ADD COLUMN changed_by text;
ALTER TABLE core.calibration ADD COLUMN reason text;

CREATE TABLE core.calibration_versions (
    version       integer PRIMARY KEY,
    data          jsonb NOT NULL
                  CONSTRAINT calibration_versions_data_check CHECK (jsonb_typeof(data) = 'object'),
    made_at       timestamptz NOT NULL,
    changed_by    text,
    reason        text,
    replaced_at   timestamptz NOT NULL DEFAULT now(),
    replaced_role text NOT NULL
);

-- Whoever changes the thresholds, by whatever means: the version is the next one.
CREATE FUNCTION core.count_calibration() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    NEW.version := OLD.version + 1;
    NEW.updated_at := now();
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION core.count_calibration() IS 'Counts the versions of core.calibration.';

CREATE FUNCTION core.keep_calibration() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO core.calibration_versions (
           version, data, made_at, changed_by, reason, replaced_role)
    VALUES (OLD.version, OLD.data, OLD.updated_at, OLD.changed_by, OLD.reason, session_user);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION core.keep_calibration() IS
    'Writes core.calibration_versions: whoever changes thresholds, by whatever means.';

CREATE TRIGGER calibration_count BEFORE UPDATE ON core.calibration
    FOR EACH ROW WHEN (OLD.data <> NEW.data) EXECUTE FUNCTION core.count_calibration();
CREATE TRIGGER calibration_keep AFTER UPDATE ON core.calibration
    FOR EACH ROW WHEN (OLD.data <> NEW.data) EXECUTE FUNCTION core.keep_calibration();

ALTER TABLE audit.outcome_events ADD COLUMN confidence double precision
    CONSTRAINT outcome_events_confidence_check CHECK (confidence BETWEEN 0 AND 1);
