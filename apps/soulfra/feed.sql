-- page --
-- The next events that can have nothing before them any more: those of the types that are asked
-- for, and the last one that was looked at.
WITH looked AS MATERIALIZED (
    SELECT e.position, e.transaction_id, e.stream, e.type, e.schema_version, e.recorded_at, e.data
      FROM log.events AS e
     WHERE (e.transaction_id, e.position) > (%(transaction_id)s, %(position)s)
       AND e.transaction_id < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
     ORDER BY e.transaction_id, e.position
     LIMIT %(limit)s)
SELECT p.transaction_id, p.position, p.stream, p.type, p.schema_version, p.recorded_at,
       CASE WHEN p.type = ANY(%(types)s) THEN p.data END, p.looked_at
  FROM (SELECT l.transaction_id, l.position, l.stream, l.type, l.schema_version, l.recorded_at,
               l.data, row_number() OVER (ORDER BY l.transaction_id, l.position) AS number,
               count(*) OVER () AS looked_at
          FROM looked AS l) AS p
 WHERE p.type = ANY(%(types)s) OR p.number = p.looked_at
 ORDER BY p.number;

-- settled_until --
-- The last event that can have nothing before it any more.
SELECT e.transaction_id, e.position
  FROM log.events AS e
 WHERE e.transaction_id < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
 ORDER BY e.transaction_id DESC, e.position DESC
 LIMIT 1;

-- first_from --
-- The first event of a transaction or of those after it.
SELECT e.transaction_id, e.position, e.recorded_at
  FROM log.events AS e
 WHERE e.transaction_id >= %(transaction_id)s
 ORDER BY e.transaction_id, e.position
 LIMIT 1;

-- is_there --
SELECT EXISTS (
    SELECT FROM log.events AS e
     WHERE e.position = %(position)s AND e.transaction_id = %(transaction_id)s
       AND e.recorded_at = %(recorded_at)s);
