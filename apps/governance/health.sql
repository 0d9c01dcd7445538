-- columns --
-- What is really there, as "schema.table" and column, and whether it is a table's own: neither a
-- view's nor a month's.
SELECT n.nspname || '.' || c.relname, a.attname,
       c.relkind IN ('r', 'p') AND NOT c.relispartition
  FROM pg_catalog.pg_attribute AS a
  JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
 WHERE n.nspname IN ('core', 'audit', 'dialectic') AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
   AND a.attnum > 0 AND NOT a.attisdropped;

-- applied_migrations --
-- Ids of what is applied.
SELECT to_char(version, 'FM0000') || '.' || name FROM core.schema_migrations;

-- write_probe --
-- A commit of its own; gives what was written.
UPDATE core.probe SET updated_at = clock_timestamp() RETURNING updated_at;

-- read_probe --
-- What the last commit wrote.
SELECT updated_at FROM core.probe;

-- probe_graph --
-- Whether a vertex was written and read; it is gone again.
SELECT core.probe_graph();

-- ages --
-- Seconds since the newest check-in, audit event and tool call; null before the first.
SELECT extract(epoch FROM now() - (
           SELECT s.received_at FROM core.agent_state AS s
            ORDER BY s.state_id DESC LIMIT 1))::float8,
       extract(epoch FROM now() - (SELECT max(e.recorded_at) FROM audit.events AS e))::float8,
       extract(epoch FROM now() - (SELECT max(u.recorded_at) FROM audit.tool_usage AS u))::float8;

-- wait_little --
-- In this transaction, for a table that another one holds.
SET LOCAL lock_timeout = '300ms';

-- steady_agents --
-- Agents whose last ten check-ins came within a day, the one silent longest first, each with the
-- seconds since. Who is archived may be silent.
SELECT agent.agent_id, extract(epoch FROM now() - agent.last_activity_at)::float8
  FROM (SELECT i.identity_id, i.agent_id, i.last_activity_at
          FROM core.identities AS i
         WHERE i.last_activity_at > now() - interval '1 day'
           AND i.status NOT IN ('archived', 'disabled', 'deleted')
         ORDER BY i.last_activity_at
         LIMIT %(limit)s) AS agent
 WHERE (SELECT s.received_at
          FROM core.agent_state AS s
         WHERE s.identity_id BETWEEN agent.identity_id AND agent.identity_id AND NOT s.late
         ORDER BY s.identity_id, s.state_id DESC OFFSET 9 LIMIT 1) > now() - interval '1 day'
 ORDER BY agent.last_activity_at;

-- partition_state --
-- How each table that is cut into months is: months ahead, rows of no month, months that wait for
-- their archive, and what is wrong in a sentence.
SELECT state.months_ahead, state.strays, state.waiting, state.trouble
  FROM audit.partition_state() AS state;
