-- functions --
-- They end with the session. A month that the house has not is filled bare beside it, and gets its
-- indexes and its place at the end: that costs a third of filling it row by row.
CREATE OR REPLACE FUNCTION pg_temp.month_begin(parent text, month text) RETURNS text
    LANGUAGE plpgsql AS $$
DECLARE
    kept text := split_part(parent, '.', 2) || '_' || replace(month, '-', '_');
    at timestamptz := (month || '-01 00:00:00+00')::timestamptz;
BEGIN
    IF EXISTS (SELECT FROM audit.partition_bounds(parent::regclass) AS b
                WHERE NOT b.is_default AND b.from_at < at + interval '1 month' AND b.upto_at > at)
    THEN
        RETURN NULL;
    END IF;
    EXECUTE format('CREATE TABLE IF NOT EXISTS legacy.%1$I (
                        LIKE %2$s INCLUDING DEFAULTS INCLUDING CONSTRAINTS,
                        CONSTRAINT month CHECK (recorded_at >= %3$L AND recorded_at < %4$L))',
                   kept, parent, at, at + interval '1 month');
    RETURN format('legacy.%I', kept);
END
$$;

-- said --
-- What a row says, however it was kept: without the marks of the old stores.
CREATE OR REPLACE FUNCTION pg_temp.said(payload jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    RETURN CASE WHEN NOT payload ? 'beside' THEN payload
                WHEN (payload->'beside') - '{id,raw_hash,event_id,usage_id}'::text[] = '{}'::jsonb
                THEN payload - 'beside'::text
                ELSE jsonb_set(payload, '{beside}',
                               (payload->'beside') - '{id,raw_hash,event_id,usage_id}'::text[])
           END;

-- month_end --
-- Gives how many rows were there twice. One at a time, each a transaction.
CREATE OR REPLACE FUNCTION pg_temp.month_end(parent text, kept text, id text) RETURNS bigint
    LANGUAGE plpgsql AS $$
DECLARE
    bare text := format('legacy.%I', kept);
    bounds text[] := ARRAY(
        SELECT to_char(m.at AT TIME ZONE 'UTC', 'YYYY-MM-DD') || ' 00:00:00+00'
          FROM (SELECT to_timestamp(right(kept, 7), 'YYYY_MM') AS at) AS first,
               LATERAL (VALUES (1, first.at), (2, first.at + interval '1 month')) AS m (place, at)
         ORDER BY m.place);
    columns text := (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum)
                       FROM pg_attribute AS a
                      WHERE a.attrelid = parent::regclass AND a.attnum > 0 AND NOT a.attisdropped);
    others text := (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum)
                      FROM pg_attribute AS a
                     WHERE a.attrelid = parent::regclass AND a.attnum > 0 AND NOT a.attisdropped
                       AND a.attname <> id AND a.attname NOT IN ('recorded_at', 'payload'));
    stray text := parent || '_default';
    one record;
    shared boolean;
    twice bigint := 0;
    count bigint;
BEGIN
    -- Only instants that more than one row has are looked at; lines come sorted, so that telling
    -- whether there are any is a fifth of finding them.
    EXECUTE format('SELECT count(*) <> count(DISTINCT recorded_at) FROM %s', bare) INTO shared;
    IF shared THEN
        DROP TABLE IF EXISTS pg_temp.shared_instants;
        EXECUTE format('CREATE TEMP TABLE shared_instants AS
                        SELECT recorded_at FROM %s GROUP BY recorded_at HAVING count(*) > 1', bare);
        ANALYZE pg_temp.shared_instants;
        -- Said twice, by a line and by a row of the database: they differ in how they were kept.
        EXECUTE format(
            'DELETE FROM %1$s AS gone USING (
                 SELECT m.ctid AS at, row_number() OVER (
                            PARTITION BY m.recorded_at, %2$s, pg_temp.said(payload)
                            ORDER BY pg_temp.said(payload) = payload, %3$I) AS place
                   FROM %1$s AS m
                   JOIN pg_temp.shared_instants AS s ON s.recorded_at = m.recorded_at) AS many
             WHERE gone.ctid = many.at AND many.place > 1', bare, others, id);
        GET DIAGNOSTICS twice = ROW_COUNT;
        -- Another row under the same id and instant gets an id of what it says, the old one beside.
        EXECUTE format(
            'UPDATE %1$s AS again
                SET %2$I = encode(substring(sha256(convert_to(again::text, ''UTF8'')) FOR 16),
                                  ''hex'')::uuid,
                    payload = again.payload || jsonb_build_object(''beside'',
                        coalesce(again.payload->''beside'', ''{}'')
                        || jsonb_build_object(%2$L, again.%2$I))
               FROM (SELECT m.ctid AS at, row_number() OVER (
                                PARTITION BY m.recorded_at, m.%2$I ORDER BY m.payload::text) AS place
                       FROM %1$s AS m
                       JOIN pg_temp.shared_instants AS s ON s.recorded_at = m.recorded_at) AS many
              WHERE again.ctid = many.at AND many.place > 1', bare, id);
    END IF;
    FOR one IN
        SELECT pg_get_constraintdef(k.oid) AS key, pg_get_indexdef(i.indexrelid) AS made
          FROM pg_index AS i
          LEFT JOIN pg_constraint AS k ON k.conindid = i.indexrelid AND k.contype = 'p'
         WHERE i.indrelid = parent::regclass
         ORDER BY k.oid IS NULL, i.indexrelid
    LOOP
        EXECUTE CASE WHEN one.key IS NOT NULL THEN format('ALTER TABLE %s ADD %s', bare, one.key)
                     ELSE format('CREATE INDEX ON %s %s', bare,
                                 substring(one.made FROM ' (USING .*)$')) END;
    END LOOP;
    -- From here on writers wait: it takes no longer than a look at the default partition.
    EXECUTE format('LOCK TABLE ONLY %s IN SHARE ROW EXCLUSIVE MODE', parent);
    EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', stray);
    IF pg_temp.month_begin(parent, replace(right(kept, 7), '_', '-')) IS NULL THEN
        EXECUTE format('INSERT INTO %1$s (%2$s) SELECT %2$s FROM %3$s ON CONFLICT DO NOTHING',
                       parent, columns, bare);
        GET DIAGNOSTICS count = ROW_COUNT;
        EXECUTE format('SELECT count(*) - $1 + $2 FROM %s', bare) INTO twice USING count, twice;
        EXECUTE format('DROP TABLE %s', bare);
        RETURN twice;
    END IF;
    EXECUTE format('WITH moved AS (DELETE FROM %1$s WHERE recorded_at >= %2$L AND recorded_at < %3$L
                                   RETURNING %4$s)
                    INSERT INTO %5$s (%4$s) SELECT %4$s FROM moved ON CONFLICT DO NOTHING',
                   stray, bounds[1], bounds[2], columns, bare);
    EXECUTE format('ALTER TABLE %s SET SCHEMA %I', bare, split_part(parent, '.', 1));
    bare := format('%I.%I', split_part(parent, '.', 1), kept);
    EXECUTE format('ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM (%L) TO (%L)',
                   parent, bare, bounds[1], bounds[2]);
    -- It spared the attaching a look at every row.
    EXECUTE format('ALTER TABLE %s DROP CONSTRAINT month', bare);
    EXECUTE format('COMMENT ON TABLE %s IS %L', bare, parent || ': one month, UTC.');
    RETURN twice;
END
$$;

-- building --
-- Months of a table that are not in their place yet.
SELECT c.relname
  FROM pg_class AS c
 WHERE c.relnamespace = 'legacy'::regnamespace AND c.relkind = 'r'
   AND c.relname ~ ('^' || %(table)s || '_[0-9]{4}_[0-9]{2}$')
 ORDER BY c.relname;

-- begin --
SELECT pg_temp.month_begin(%(parent)s, %(month)s);

-- end --
SELECT pg_temp.month_end(%(parent)s, %(kept)s, %(id)s);

-- staged --
-- Rows that were not taken as they came, one by one to be looked at.
CREATE TEMP TABLE IF NOT EXISTS staged_events (
       row_key text, reason text, id text, recorded_at text, agent_id text, session_id text,
       word text, latency_ms text, success text, error_type text, payload text)
    ON COMMIT DELETE ROWS;

-- copy_events --
COPY pg_temp.staged_events (row_key, id, recorded_at, agent_id, word, payload) FROM STDIN;

-- copy_tool_usage --
COPY pg_temp.staged_events (row_key, id, recorded_at, agent_id, session_id, word, latency_ms,
     success, error_type, payload) FROM STDIN;

-- check --
UPDATE pg_temp.staged_events AS s
   SET reason = CASE
       WHEN NOT pg_input_is_valid(s.recorded_at, 'timestamptz') THEN 'timestamp: is no time'
       WHEN NOT pg_input_is_valid(s.payload, 'jsonb')
       THEN 'what it says is no JSON that Postgres can hold'
       WHEN octet_length(s.word) > 2000 OR octet_length(s.agent_id) > 2000
       THEN 'a name is longer than 2000 bytes'
       WHEN s.latency_ms IS NOT NULL AND NOT pg_input_is_valid(s.latency_ms, 'float8')
       THEN 'latency_ms: is no number'
       WHEN NOT coalesce(s.latency_ms::float8, 0) BETWEEN 0 AND 1e308
       THEN 'latency_ms: is below 0'
       WHEN s.success IS NOT NULL AND s.success::boolean <> (s.error_type IS NULL)
       THEN 'success and error_type: a call fails if and only if it names its error' END
 WHERE s.reason IS NULL;

-- rejected --
SELECT s.row_key, s.reason FROM pg_temp.staged_events AS s WHERE s.reason IS NOT NULL;

-- clash_events --
-- What is another event under an id that one has at that instant already.
UPDATE pg_temp.staged_events AS s
   SET reason = 'event_id: another event has it at that time'
 WHERE s.reason IS NULL AND NOT EXISTS (
       SELECT FROM audit.events AS e
        WHERE e.recorded_at = s.recorded_at::timestamptz AND e.event_type = s.word
          AND e.agent_id IS NOT DISTINCT FROM s.agent_id
          AND pg_temp.said(e.payload) = pg_temp.said(s.payload::jsonb)) AND (EXISTS (
       SELECT FROM audit.events AS e
        WHERE e.recorded_at = s.recorded_at::timestamptz AND e.event_id = s.id::uuid) OR EXISTS (
       SELECT FROM pg_temp.staged_events AS o
        WHERE o.recorded_at::timestamptz = s.recorded_at::timestamptz AND o.id = s.id
          AND o.ctid < s.ctid AND (o.word, o.payload) <> (s.word, s.payload)));

-- clash_tool_usage --
-- What is another call under an id that one has at that instant already.
UPDATE pg_temp.staged_events AS s
   SET reason = 'usage_id: another call has it at that time'
 WHERE s.reason IS NULL AND NOT EXISTS (
       SELECT FROM audit.tool_usage AS u
        WHERE u.recorded_at = s.recorded_at::timestamptz AND u.tool_name = s.word
          AND pg_temp.said(u.payload) = pg_temp.said(s.payload::jsonb)) AND (EXISTS (
       SELECT FROM audit.tool_usage AS u
        WHERE u.recorded_at = s.recorded_at::timestamptz AND u.usage_id = s.id::uuid) OR EXISTS (
       SELECT FROM pg_temp.staged_events AS o
        WHERE o.recorded_at::timestamptz = s.recorded_at::timestamptz AND o.id = s.id
          AND o.ctid < s.ctid AND (o.word, o.payload) <> (s.word, s.payload)));

-- into_events --
-- The house's own months: what is there already, from a line or a row, is not taken again.
INSERT INTO audit.events (event_id, recorded_at, agent_id, event_type, payload)
SELECT DISTINCT ON (s.recorded_at::timestamptz, s.id) s.id::uuid, s.recorded_at::timestamptz,
       s.agent_id, s.word, s.payload::jsonb
  FROM pg_temp.staged_events AS s
 WHERE s.reason IS NULL AND NOT EXISTS (
       SELECT FROM audit.events AS e
        WHERE e.recorded_at = s.recorded_at::timestamptz AND e.event_type = s.word
          AND e.agent_id IS NOT DISTINCT FROM s.agent_id
          AND pg_temp.said(e.payload) = pg_temp.said(s.payload::jsonb))
ON CONFLICT DO NOTHING;

-- into_tool_usage --
INSERT INTO audit.tool_usage (usage_id, recorded_at, agent_id, session_id, tool_name, latency_ms,
       success, error_type, payload)
SELECT DISTINCT ON (s.recorded_at::timestamptz, s.id) s.id::uuid, s.recorded_at::timestamptz,
       s.agent_id, s.session_id, s.word, s.latency_ms::float8, s.success::boolean, s.error_type,
       s.payload::jsonb
  FROM pg_temp.staged_events AS s
 WHERE s.reason IS NULL AND NOT EXISTS (
       SELECT FROM audit.tool_usage AS u
        WHERE u.recorded_at = s.recorded_at::timestamptz AND u.tool_name = s.word
          AND u.success = s.success::boolean
          AND (u.agent_id, u.session_id, u.latency_ms, u.error_type) IS NOT DISTINCT FROM
              (s.agent_id, s.session_id, s.latency_ms::float8, s.error_type)
          AND pg_temp.said(u.payload) = pg_temp.said(s.payload::jsonb))
ON CONFLICT DO NOTHING;

-- good_events --
-- What is good of them, into a month that is being filled: COPY's text.
COPY (SELECT s.id, s.recorded_at, s.agent_id, s.word, s.payload FROM pg_temp.staged_events AS s
       WHERE s.reason IS NULL) TO STDOUT;

-- good_tool_usage --
COPY (SELECT s.id, s.recorded_at, s.agent_id, s.session_id, s.word, s.latency_ms, s.success,
             s.error_type, s.payload
        FROM pg_temp.staged_events AS s WHERE s.reason IS NULL) TO STDOUT;
