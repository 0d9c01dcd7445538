-- Takes back the check; nothing that is stored changes.

CREATE OR REPLACE FUNCTION log.add(events jsonb, based_on jsonb, keeps_time boolean) RETURNS integer
    LANGUAGE plpgsql
AS $$
DECLARE
    mine bigint := pg_current_xact_id_if_assigned()::text::bigint;
    wrong record;
BEGIN
    IF mine IS NOT NULL
       AND NOT EXISTS (SELECT FROM log.events AS e WHERE e.transaction_id = mine)
    THEN
        RAISE EXCEPTION 'log.events: this transaction has written something else before'
              USING HINT = 'events come first in a transaction, what follows from them after',
                    ERRCODE = 'active_sql_transaction';
    END IF;
    WITH new AS MATERIALIZED (
        SELECT n.stream, n.version, n.type, n.schema_version, n.data, n.metadata, n.ordinality,
               CASE WHEN keeps_time THEN n.recorded_at ELSE now() END AS recorded_at,
               row_number() OVER life + coalesce(l.version, 0) AS next,
               log.chained(l.sha256, n.stream, n.version, n.type, n.schema_version,
                           CASE WHEN keeps_time THEN n.recorded_at ELSE now() END, n.data,
                           n.metadata) OVER life AS sha256
          FROM ROWS FROM (jsonb_to_recordset(events) AS (
                   stream text, version bigint, type text, schema_version integer,
                   recorded_at timestamptz, data jsonb, metadata jsonb)) WITH ORDINALITY AS n
          LEFT JOIN LATERAL (SELECT e.version, e.sha256 FROM log.events AS e
                              WHERE e.stream = n.stream
                              ORDER BY e.version DESC LIMIT 1) AS l ON true
        WINDOW life AS (PARTITION BY n.stream ORDER BY n.ordinality)
    ), other AS (
        SELECT n.stream, n.version, n.next FROM new AS n WHERE n.version IS DISTINCT FROM n.next
         UNION ALL
        SELECT b.key, b.value::bigint + 1, coalesce(l.version, 0) + 1
          FROM jsonb_each_text(based_on) AS b
          LEFT JOIN LATERAL (SELECT e.version FROM log.events AS e WHERE e.stream = b.key
                              ORDER BY e.version DESC LIMIT 1) AS l ON true
         WHERE b.value::bigint <> coalesce(l.version, 0)
    ), taken AS (
        INSERT INTO log.events (
            stream, version, type, schema_version, recorded_at, data, metadata, sha256)
        SELECT n.stream, n.version, n.type, n.schema_version, n.recorded_at, n.data, n.metadata,
               n.sha256
          FROM new AS n
         WHERE NOT EXISTS (SELECT FROM other)
         ORDER BY n.ordinality
        RETURNING 1
    )
    SELECT (SELECT count(*) FROM taken) AS added, o.stream, o.version, o.next
      INTO wrong
      FROM (VALUES (1)) AS one LEFT JOIN other AS o ON true
     LIMIT 1;
    IF wrong.stream IS NOT NULL THEN
        RAISE EXCEPTION 'stream %: wrong version: expected %, is %', wrong.stream,
              wrong.version - 1, wrong.next - 1
              USING ERRCODE = 'serialization_failure',
                    HINT = 'somebody was faster: look again, then decide again';
    END IF;
    RETURN wrong.added;
END
$$;
