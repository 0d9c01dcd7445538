-- bins --
-- Outcomes by confidence, in tenths; without a score, good is 1 and bad is 0.
SELECT least(floor(o.confidence * 10), 9)::integer AS number, count(*),
       sum(o.confidence), sum(o.actual), sum((o.actual - o.confidence) ^ 2)
  FROM (SELECT e.confidence,
               coalesce(e.outcome_score, CASE WHEN e.is_bad THEN 0 ELSE 1 END) AS actual
          FROM audit.outcome_events AS e
         WHERE e.recorded_at >= %(since)s AND e.confidence IS NOT NULL
           AND (%(about)s::text IS NULL OR e.agent_id = %(about)s)) AS o
 GROUP BY 1;

-- unsure --
-- Outcomes without a confidence.
SELECT count(*) FROM audit.outcome_events AS e
 WHERE e.recorded_at >= %(since)s AND e.confidence IS NULL
   AND (%(about)s::text IS NULL OR e.agent_id = %(about)s);

-- version --
-- Which thresholds are in force.
SELECT version FROM core.calibration;

-- versions --
-- Every version there is, the newest first.
SELECT version FROM core.calibration
UNION ALL
SELECT version FROM core.calibration_versions
 ORDER BY version DESC
 LIMIT 1000;

-- thresholds --
-- One version; those in force if none is asked for.
SELECT data, version, made_at, changed_by, reason, replaced_at
  FROM (SELECT c.data, c.version, c.updated_at AS made_at, c.changed_by, c.reason,
               NULL::timestamptz AS replaced_at
          FROM core.calibration AS c
        UNION ALL
        SELECT v.data, v.version, v.made_at, v.changed_by, v.reason, v.replaced_at
          FROM core.calibration_versions AS v) AS made
 WHERE CASE WHEN %(version)s::integer IS NULL THEN replaced_at IS NULL
            ELSE version = %(version)s END
 ORDER BY replaced_at NULLS FIRST
 LIMIT 1;

-- hold_thresholds --
-- Until the transaction ends nobody else changes them.
SELECT data, version FROM core.calibration FOR UPDATE;

-- change_thresholds --
-- The next version.
UPDATE core.calibration
   SET data = %(data)s, changed_by = %(changed_by)s, reason = %(reason)s
RETURNING version;
