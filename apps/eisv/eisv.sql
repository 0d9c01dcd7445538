-- columns --
-- What a table has, in this file.
SELECT name FROM pragma_table_info(:table);

-- adopted --
-- Tables that were there before us, and where their naive timestamps were taken.
SELECT name, time_zone FROM _abode_adopted WHERE time_zone IS NOT NULL;

-- tables --
SELECT name FROM sqlite_schema WHERE type = 'table';

-- check_ins --
-- For psql: an agent's check-ins after a number, oldest first, as CSV with a header.
COPY (
SELECT state.state_id AS id,
       to_char(state.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"')
           AS timestamp,
       state.boot_id, state.seq, state.action,
       state.warmth, state.clarity, state.stability, state.presence,
       coalesce(state.state_json->'environment', state.state_json->'sensor_data') AS sensors,
       state.state_json->'drawing_eisv' AS drawing
  FROM core.agent_state AS state
  JOIN core.identities AS identity ON identity.identity_id = state.identity_id
 WHERE identity.agent_id = current_setting('eisv.agent')
   AND state.state_id > current_setting('eisv.after')::bigint
 ORDER BY state.state_id
 LIMIT 10000
) TO STDOUT (FORMAT csv, HEADER, FORCE_QUOTE (timestamp, boot_id, action, sensors, drawing));
