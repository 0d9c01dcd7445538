-- Usage and outcomes beside the events, and one upkeep for all that is cut into months.
-- Depends on 0002, whose function it replaces.
-- ensure: SELECT count(*) = 3 FROM audit.partitions
-- ensure: SELECT count(*) = 3 AND bool_and(months_ahead >= ahead_months AND strays IS NOT NULL) FROM audit.partition_state(now())

DROP FUNCTION audit.partition_maintenance(timestamptz);

CREATE SCHEMA retired;
COMMENT ON SCHEMA retired IS 'Months past their time, until they are archived and dropped.';

CREATE TABLE audit.tool_usage (
    usage_id    uuid NOT NULL,
    recorded_at timestamptz NOT NULL CONSTRAINT tool_usage_recorded_at_check
                CHECK (recorded_at >= '1900-01-01+00' AND recorded_at < '9999-01-01+00'),
    agent_id    text,
    session_id  text,
    tool_name   text NOT NULL,
    latency_ms  double precision CONSTRAINT tool_usage_latency_ms_check
                CHECK (latency_ms >= 0 AND latency_ms < 'Infinity'),
    success     boolean NOT NULL DEFAULT true,
    error_type  text CONSTRAINT tool_usage_error_type_check CHECK (success = (error_type IS NULL)),
    payload     jsonb NOT NULL DEFAULT '{}'
                CONSTRAINT tool_usage_payload_check CHECK (jsonb_typeof(payload) = 'object'),
    PRIMARY KEY (recorded_at, usage_id)
) PARTITION BY RANGE (recorded_at);
CREATE INDEX tool_usage_agent_id_recorded_at_idx ON audit.tool_usage (agent_id, recorded_at DESC);
CREATE INDEX tool_usage_tool_name_recorded_at_idx ON audit.tool_usage (tool_name, recorded_at DESC);

CREATE TABLE audit.outcome_events (
    outcome_id    uuid NOT NULL,
    recorded_at   timestamptz NOT NULL CONSTRAINT outcome_events_recorded_at_check
                  CHECK (recorded_at >= '1900-01-01+00' AND recorded_at < '9999-01-01+00'),
    agent_id      text NOT NULL,
    session_id    text,
    outcome_type  text NOT NULL,
    outcome_score double precision CONSTRAINT outcome_events_outcome_score_check
                  CHECK (outcome_score BETWEEN 0 AND 1),
    is_bad        boolean NOT NULL,
    energy        double precision
                  CONSTRAINT outcome_events_energy_check CHECK (energy BETWEEN 0 AND 1),
    integrity     double precision
                  CONSTRAINT outcome_events_integrity_check CHECK (integrity BETWEEN 0 AND 1),
    entropy       double precision
                  CONSTRAINT outcome_events_entropy_check CHECK (entropy BETWEEN 0.001 AND 2),
    void          double precision
                  CONSTRAINT outcome_events_void_check CHECK (void BETWEEN -2 AND 2),
    phi           double precision
                  CONSTRAINT outcome_events_phi_check CHECK (phi <= 0.5 AND phi > '-Infinity'),
    verdict       text CONSTRAINT outcome_events_verdict_check
                  CHECK (verdict IN ('safe', 'caution', 'high-risk')),
    coherence     double precision
                  CONSTRAINT outcome_events_coherence_check CHECK (coherence BETWEEN 0 AND 1),
    regime        text CONSTRAINT outcome_events_regime_check CHECK (regime IN
                      ('STABLE', 'TRANSITION', 'CONVERGENCE', 'DIVERGENCE', 'EXPLORATION')),
    detail        jsonb NOT NULL DEFAULT '{}'
                  CONSTRAINT outcome_events_detail_check CHECK (jsonb_typeof(detail) = 'object'),
    PRIMARY KEY (recorded_at, outcome_id)
) PARTITION BY RANGE (recorded_at);
CREATE INDEX outcome_events_agent_id_recorded_at_idx
    ON audit.outcome_events (agent_id, recorded_at DESC);
CREATE INDEX outcome_events_outcome_type_recorded_at_idx
    ON audit.outcome_events (outcome_type, recorded_at DESC);
CREATE INDEX outcome_events_recorded_at_idx ON audit.outcome_events (recorded_at DESC) WHERE is_bad;

CREATE TABLE audit.partitions (
    parent       text PRIMARY KEY,
    retain_days  integer NOT NULL CONSTRAINT partitions_retain_days_check CHECK (retain_days >= 1),
    ahead_months integer NOT NULL DEFAULT 3 CONSTRAINT partitions_ahead_months_check
                 CHECK (ahead_months BETWEEN 3 AND 24)
);
INSERT INTO audit.partitions (parent, retain_days)
VALUES ('audit.events', 180), ('audit.tool_usage', 90), ('audit.outcome_events', 365);

CREATE TABLE audit.retired (
    retired_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    parent     text NOT NULL,
    part       text NOT NULL UNIQUE,
    from_at    timestamptz NOT NULL,
    upto_at    timestamptz NOT NULL,
    retired_at timestamptz NOT NULL DEFAULT now(),
    rows       bigint CONSTRAINT retired_rows_check CHECK (rows >= 0),
    sha256     bytea CONSTRAINT retired_sha256_check CHECK (length(sha256) = 32),
    dropped_at timestamptz
);
CREATE INDEX retired_parent_idx ON audit.retired (parent) WHERE dropped_at IS NULL;

CREATE FUNCTION audit.partition_bounds(parent regclass)
    RETURNS TABLE (part regclass, from_at timestamptz, upto_at timestamptz, is_default boolean)
    LANGUAGE sql STABLE STRICT
    SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO'
AS $$
SELECT c.oid::regclass,
       coalesce(substring(bound.text FROM $re$FROM \('([^']+)'\)$re$)::timestamptz, '-infinity'),
       coalesce(substring(bound.text FROM $re$TO \('([^']+)'\)$re$)::timestamptz, 'infinity'),
       bound.text = 'DEFAULT'
  FROM pg_inherits AS i
  JOIN pg_class AS c ON c.oid = i.inhrelid
 CROSS JOIN LATERAL (SELECT pg_get_expr(c.relpartbound, c.oid)) AS bound (text)
 WHERE i.inhparent = partition_bounds.parent
$$;
COMMENT ON FUNCTION audit.partition_bounds(regclass) IS
    'The partitions of a table that is cut by one timestamptz, and the instants of their edges.';

-- Bounds carry '+00' and the function runs in UTC: a month made in another time zone would leave
-- a hole at its edge. What is missing is computed from the bounds, not from names, so that a hole
-- is filled, too. Rows of the default partition move: while they lie there it cannot be attached.
CREATE FUNCTION audit.create_partitions(now timestamptz) RETURNS integer
    LANGUAGE plpgsql STRICT SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO'
    SET lock_timeout = '1s'
AS $$
DECLARE
    made integer := 0;
    known record; stray text;
    piece tstzrange;
    part text; from_at text; upto_at text;
    wanted tstzmultirange;
    names text;
BEGIN
    -- The clock is the owner's to set: the app could retire what it must not lose. And the lock
    -- is none that a reader can hold against us.
    now := CASE WHEN session_user = current_user THEN now ELSE pg_catalog.now() END;
    LOCK TABLE audit.partitions IN SHARE ROW EXCLUSIVE MODE;
    FOR known IN
        SELECT p.parent AS called, p.ahead_months, c.oid::regclass AS parent, n.nspname, c.relname,
               quote_ident(k.attname) AS cut_by
          FROM audit.partitions AS p
          JOIN pg_class AS c ON c.oid = to_regclass(p.parent)
          JOIN pg_namespace AS n ON n.oid = c.relnamespace
          JOIN pg_partitioned_table AS t ON t.partrelid = c.oid
          JOIN pg_attribute AS k ON k.attrelid = c.oid AND k.attnum = t.partattrs[0]
         ORDER BY p.parent
    LOOP
        SELECT range_agg(tstzrange(m, m + interval '1 month')) INTO wanted
          FROM generate_series(date_trunc('month', now),
                               date_trunc('month', now) + make_interval(months => known.ahead_months),
                               interval '1 month') AS m;
        SELECT b.part INTO stray FROM audit.partition_bounds(known.parent) AS b WHERE b.is_default;
        IF stray IS NULL THEN
            stray := format('%I.%I', known.nspname, known.relname || '_default');
            EXECUTE format('CREATE TABLE %s PARTITION OF %s DEFAULT', stray, known.parent);
            EXECUTE format('COMMENT ON TABLE %s IS %L', stray,
                           'Rows no month was made for. Should stay empty.');
        END IF;
        -- A clock that was wrong, or rows of the past: they get their months, 24 at a time.
        EXECUTE format(
            'SELECT $1 + coalesce(range_agg(tstzrange(m, m + interval ''1 month'')), ''{}'')
               FROM (SELECT DISTINCT date_trunc(''month'', %1$s) AS m FROM %2$s
                      WHERE %1$s >= ''1900-01-01+00'' AND %1$s < ''9999-01-01+00''
                      ORDER BY m DESC LIMIT 24) AS found', known.cut_by, stray)
           INTO wanted USING wanted;
        SELECT wanted - coalesce(range_agg(tstzrange(b.from_at, b.upto_at)), '{}') INTO wanted
          FROM audit.partition_bounds(known.parent) AS b WHERE NOT b.is_default;
        SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) INTO names
          FROM pg_attribute AS a
         WHERE a.attrelid = known.parent AND a.attnum > 0
           AND NOT a.attisdropped AND a.attgenerated = '';
        -- Adjacent months are one range: cut it again at the beginning of each month.
        FOR piece IN
            SELECT r * tstzrange(m, m + interval '1 month')
              FROM unnest(wanted) AS r,
                   generate_series(date_trunc('month', lower(r)), upper(r), interval '1 month') AS m
             WHERE r && tstzrange(m, m + interval '1 month')
             ORDER BY 1
        LOOP
            part := known.relname || to_char(lower(piece), '_YYYY_MM');
            IF lower(piece) <> date_trunc('month', lower(piece))
               OR to_regclass(format('%I.%I', known.nspname, part)) IS NOT NULL THEN
                part := known.relname || to_char(lower(piece), '_YYYY_MM_DD_HH24MI');
            END IF;
            from_at := to_char(lower(piece), 'YYYY-MM-DD HH24:MI:SS.US') || '+00';
            upto_at := to_char(upper(piece), 'YYYY-MM-DD HH24:MI:SS.US') || '+00';
            -- One month that cannot be made now does not keep the others from being made.
            BEGIN
                -- Nothing may fall into the default between the move and the attaching; who found
                -- the default before it would be refused after it, so it waits at the table.
                EXECUTE format('LOCK TABLE ONLY %s IN SHARE ROW EXCLUSIVE MODE', known.parent);
                EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', stray);
                EXECUTE format('CREATE TABLE %I.%I (LIKE %s INCLUDING ALL)',
                               known.nspname, part, known.parent);
                EXECUTE format('COMMENT ON TABLE %I.%I IS %L', known.nspname, part,
                               known.called || ': one month, UTC.');
                EXECUTE format(
                    'WITH moved AS (
                         DELETE FROM %1$s WHERE %2$s >= %3$L AND %2$s < %4$L RETURNING %5$s)
                     INSERT INTO %6$I.%7$I (%5$s) OVERRIDING SYSTEM VALUE
                     SELECT %5$s FROM moved',
                    stray, known.cut_by, from_at, upto_at, names, known.nspname, part);
                EXECUTE format('ALTER TABLE %s ATTACH PARTITION %I.%I FOR VALUES FROM (%L) TO (%L)',
                               known.parent, known.nspname, part, from_at, upto_at);
                made := made + 1;
            EXCEPTION WHEN OTHERS THEN
                RAISE WARNING '%: % was not made: %', known.called, part, SQLERRM;
                -- Who is in the way of one is in the way of all, and writers wait with us.
                EXIT WHEN SQLSTATE = '55P03';
            END;
        END LOOP;
    END LOOP;
    RETURN made;
END
$$;
COMMENT ON FUNCTION audit.create_partitions(timestamptz) IS
    'Makes what is missing of the month of the given instant and of those ahead, and the months'
    ' of what lies in a default partition; gives how many it made.';

CREATE FUNCTION audit.retire_partitions(now timestamptz)
    RETURNS TABLE (part text, done boolean, said text)
    LANGUAGE plpgsql STRICT SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO'
    SET lock_timeout = '500ms'
AS $$
#variable_conflict use_column
DECLARE
    old record;
    reader record;
    number bigint;
BEGIN
    now := CASE WHEN session_user = current_user THEN now ELSE pg_catalog.now() END;
    LOCK TABLE audit.partitions IN SHARE ROW EXCLUSIVE MODE;
    FOR old IN
        SELECT p.parent, b.part AS oid, n.nspname, c.relname, b.from_at, b.upto_at
          FROM audit.partitions AS p
         CROSS JOIN LATERAL audit.partition_bounds(to_regclass(p.parent)) AS b
          JOIN pg_class AS c ON c.oid = b.part
          JOIN pg_namespace AS n ON n.oid = c.relnamespace
         WHERE NOT b.is_default AND isfinite(b.upto_at)
           AND b.upto_at <= now - make_interval(days => p.retain_days)
         ORDER BY b.upto_at, p.parent
    LOOP
        -- Each by itself: one that somebody reads does not keep the others.
        BEGIN
            EXECUTE format('ALTER TABLE %s DETACH PARTITION %s', old.parent, old.oid);
            INSERT INTO audit.retired (parent, part, from_at, upto_at)
            VALUES (old.parent, old.relname, old.from_at, old.upto_at)
            RETURNING retired_id INTO number;
            part := format('%s_r%s', old.relname, number);
            UPDATE audit.retired SET part = retire_partitions.part WHERE retired_id = number;
            EXECUTE format('ALTER TABLE %s RENAME TO %I', old.oid, part);
            EXECUTE format('ALTER TABLE %I.%I SET SCHEMA retired', old.nspname, part);
            done := true;
            said := format('%s until %s', old.parent, old.upto_at);
        EXCEPTION WHEN OTHERS THEN
            part := old.relname;
            done := false;
            said := SQLERRM;
        END;
        RETURN NEXT;
    END LOOP;
    -- Who may read the table may read what was cut from it: the archive is made by a reader.
    FOR reader IN
        SELECT r.part AS called, g.grantee
          FROM audit.retired AS r
          JOIN pg_class AS c ON c.oid = to_regclass(r.parent)
         CROSS JOIN LATERAL aclexplode(c.relacl) AS g
         WHERE r.dropped_at IS NULL AND g.privilege_type = 'SELECT' AND g.grantee <> c.relowner
           AND to_regclass(format('retired.%I', r.part)) IS NOT NULL
    LOOP
        EXECUTE format('GRANT SELECT ON retired.%I TO %s', reader.called,
                       CASE reader.grantee WHEN 0 THEN 'PUBLIC'
                            ELSE quote_ident(pg_get_userbyid(reader.grantee)) END);
    END LOOP;
END
$$;
COMMENT ON FUNCTION audit.retire_partitions(timestamptz) IS
    'Takes out what ended before the given instant less its retention; gives what it did and what'
    ' it could not. Drops nothing.';

CREATE FUNCTION audit.drop_retired(part text, rows bigint, sha256 bytea) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET lock_timeout = '500ms'
AS $$
#variable_conflict use_variable
DECLARE
    waits boolean;
    there bigint;
BEGIN
    LOCK TABLE audit.partitions IN SHARE ROW EXCLUSIVE MODE;
    IF rows IS NULL OR length(sha256) IS DISTINCT FROM 32 THEN
        RAISE EXCEPTION 'retired.%: is not archived', part;
    END IF;
    SELECT r.dropped_at IS NULL INTO waits
      FROM audit.retired AS r WHERE r.part = drop_retired.part FOR UPDATE;
    IF waits IS NULL THEN
        RAISE EXCEPTION 'retired.%: there is no such month', part;
    ELSIF NOT waits THEN
        RETURN false;
    END IF;
    EXECUTE format('LOCK TABLE retired.%I IN ACCESS EXCLUSIVE MODE', part);
    EXECUTE format('SELECT count(*) FROM retired.%I', part) INTO there;
    IF there <> rows THEN
        RAISE EXCEPTION 'retired.%: holds % rows, its archive %', part, there, rows;
    END IF;
    UPDATE audit.retired AS r
       SET rows = drop_retired.rows, sha256 = drop_retired.sha256, dropped_at = now()
     WHERE r.part = drop_retired.part;
    EXECUTE format('DROP TABLE retired.%I', part);
    RETURN true;
END
$$;
COMMENT ON FUNCTION audit.drop_retired(text, bigint, bytea) IS
    'Drops a month whose archive has as many rows; gives false if it is gone already.';

-- Two transactions: what hinders a retirement neither blocks nor undoes a creation.
CREATE PROCEDURE audit.partition_maintenance(now timestamptz DEFAULT pg_catalog.now())
    LANGUAGE plpgsql
AS $$
DECLARE
    kept record;
BEGIN
    PERFORM audit.create_partitions(now);
    COMMIT;
    FOR kept IN SELECT r.part, r.said FROM audit.retire_partitions(now) AS r WHERE NOT r.done LOOP
        RAISE WARNING 'audit.%: was not retired: %', kept.part, kept.said;
    END LOOP;
END
$$;
COMMENT ON PROCEDURE audit.partition_maintenance(timestamptz) IS
    'Makes the months ahead, commits, then retires those past their time. Not inside BEGIN.';

CREATE FUNCTION audit.partition_state(now timestamptz DEFAULT pg_catalog.now())
    RETURNS TABLE (parent text, retain_days integer, ahead_months integer, months_ahead integer,
                   strays integer, gaps integer, expired integer, waiting integer, trouble text)
    LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO'
AS $$
#variable_conflict use_column
DECLARE
    patience CONSTANT interval := interval '2 days';
    month CONSTANT timestamptz := date_trunc('month', now);
    known record;
    covered tstzmultirange;
    stray regclass;
    late boolean;
BEGIN
    FOR known IN
        SELECT coalesce(p.parent, c.oid::regclass::text) AS called, c.oid,
               p.retain_days AS days, p.ahead_months AS months
          FROM audit.partitions AS p
          FULL JOIN (SELECT c.oid FROM pg_class AS c
                      JOIN pg_namespace AS n ON n.oid = c.relnamespace
                     WHERE c.relkind = 'p' AND NOT c.relispartition
                       AND n.nspname NOT IN ('pg_catalog', 'cron', 'partman')) AS c
            ON c.oid = to_regclass(p.parent)
         ORDER BY 1
    LOOP
        parent := known.called;
        retain_days := known.days;
        ahead_months := known.months;
        months_ahead := NULL; strays := NULL; gaps := NULL; expired := NULL; waiting := NULL;
        trouble := CASE
            WHEN known.oid IS NULL THEN format('%s: is listed, but not partitioned', parent)
            WHEN known.days IS NULL THEN format('%s: is not in audit.partitions', parent) END;
        IF trouble IS NOT NULL THEN
            RETURN NEXT;
            CONTINUE;
        END IF;
        SELECT coalesce(range_agg(tstzrange(b.from_at, b.upto_at)) FILTER (WHERE NOT is_default),
                        '{}'),
               max(b.part::oid) FILTER (WHERE is_default),
               count(*) FILTER (WHERE NOT is_default AND isfinite(b.upto_at)
                                  AND b.upto_at <= now - make_interval(days => known.days)),
               coalesce(bool_or(b.upto_at <= now - make_interval(days => known.days) - patience)
                                FILTER (WHERE NOT is_default), false)
          INTO covered, stray, expired, late
          FROM audit.partition_bounds(known.oid) AS b;
        SELECT count(*) INTO months_ahead
          FROM generate_series(1, 24) AS m
         WHERE covered @> tstzrange(now, month + make_interval(months => m + 1));
        -- A hole is between two months; what comes after the months ahead is nobody's yet.
        SELECT count(*) INTO gaps
          FROM unnest(tstzmultirange(range_merge(covered)) - covered) AS hole
         WHERE lower(hole) < month + make_interval(months => known.months + 1)
           AND upper(hole) > now - make_interval(days => known.days);
        IF stray IS NOT NULL THEN
            EXECUTE format('SELECT count(*) FROM (SELECT 1 FROM %s LIMIT 1000) AS few', stray)
               INTO strays;
        END IF;
        SELECT count(*), late OR coalesce(bool_or(r.retired_at <= now - patience), false)
          INTO waiting, late
          FROM audit.retired AS r WHERE r.parent = known.called AND r.dropped_at IS NULL;
        trouble := CASE
            WHEN stray IS NULL THEN format('%s: has no default partition', parent)
            WHEN strays > 0 THEN format('%s: holds rows that no month was made for', stray)
            WHEN months_ahead < 2 THEN format('%s: %s months ahead', parent, months_ahead)
            WHEN late THEN format('%s: a month past its time cannot be retired', parent)
            END;
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION audit.partition_state(timestamptz) IS
    'Each table that is cut into months: how far ahead it is made, rows of no month (1000 at most),'
    ' holes, months past their time, months that wait for their archive, and what is wrong or null.';

REVOKE ALL ON ROUTINE audit.partition_bounds(regclass), audit.create_partitions(timestamptz),
    audit.retire_partitions(timestamptz), audit.drop_retired(text, bigint, bytea),
    audit.partition_state(timestamptz), audit.partition_maintenance(timestamptz) FROM PUBLIC;

SELECT audit.create_partitions(now());
