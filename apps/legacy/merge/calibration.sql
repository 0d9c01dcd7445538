-- check --
UPDATE pg_temp.staged AS s
   SET reason = CASE WHEN s.state_json IS NULL THEN 'state_json: is null'
                     WHEN s.updated_at IS NULL THEN 'updated_at: is null'
                     ELSE pg_temp.wrong('state_json', s.state_json, 'object') END
 WHERE s.reason IS NULL;

-- renew --
-- The version that the old server has in force: the newest of its own.
UPDATE core.calibration_versions AS v
   SET data = s.state_json::jsonb, made_at = s.updated_at::timestamptz
  FROM pg_temp.staged AS s
 WHERE s.reason IS NULL
   AND v.version = (SELECT max(o.version) FROM core.calibration_versions AS o
                     WHERE o.version < 1 AND o.reason = 'the old server had it');

-- merge --
-- Before the first version of the house: what is in force stays, and so does what was.
INSERT INTO core.calibration_versions (version, data, made_at, reason, replaced_role)
SELECT least(1, (SELECT min(v.version) FROM core.calibration_versions AS v)) - 1,
       s.state_json::jsonb, s.updated_at::timestamptz, 'the old server had it', current_user
  FROM pg_temp.staged AS s
 WHERE s.reason IS NULL AND NOT EXISTS (
       SELECT FROM core.calibration_versions AS v
        WHERE v.version < 1 AND v.data = s.state_json::jsonb
          AND v.made_at = s.updated_at::timestamptz);
