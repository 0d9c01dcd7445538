-- Takes back the older thresholds; those in force stay.
-- lossy: all rows of core.calibration_versions, who changed the thresholds and why, and the confidence of every outcome

ALTER TABLE audit.outcome_events DROP COLUMN confidence;
DROP TRIGGER calibration_keep ON core.calibration;
DROP TRIGGER calibration_count ON core.calibration;
DROP FUNCTION core.keep_calibration();
DROP FUNCTION core.count_calibration();
DROP TABLE core.calibration_versions;
ALTER TABLE core.calibration DROP COLUMN reason;
ALTER TABLE core.calibration DROP COLUMN changed_by;
