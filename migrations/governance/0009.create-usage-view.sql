-- The view that the seeds promise by name. Depends on 0004.
-- ensure: SELECT to_regclass('core.tool_usage') IS NOT NULL

CREATE VIEW core.tool_usage AS
SELECT u.usage_id, u.recorded_at, u.agent_id, u.session_id, u.tool_name, u.latency_ms, u.success,
       u.error_type, u.payload
  FROM audit.tool_usage AS u;
COMMENT ON VIEW core.tool_usage IS 'One row per call of a tool, of the last 90 days.';
