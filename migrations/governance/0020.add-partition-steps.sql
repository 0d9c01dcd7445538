-- Rows without a month move in steps, each a transaction of its own. Depends on 0004.
-- ensure: SELECT prosrc LIKE '%moved >= 100000%' FROM pg_catalog.pg_proc WHERE oid = 'audit.create_partitions(timestamptz)'::regprocedure
-- ensure: SELECT prosrc LIKE '%FOR step IN%' FROM pg_catalog.pg_proc WHERE oid = 'audit.partition_maintenance(timestamptz)'::regprocedure

CREATE OR REPLACE FUNCTION audit.create_partitions(now timestamptz) RETURNS integer
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
    cut timestamptz;
    moved bigint := 0;
    count bigint;
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
            -- So long are readers and writers kept waiting: the rest is for the next call.
            IF moved >= 100000 THEN
                RETURN made;
            END IF;
            -- A month with more than that is made in pieces, each with whole instants.
            EXECUTE format(
                'SELECT more.at
                   FROM (SELECT s.%1$s AS at FROM %2$s AS s WHERE s.%1$s >= $1 AND s.%1$s < $2
                          ORDER BY s.%1$s OFFSET 100000 LIMIT 1) AS more
                  WHERE more.at > (SELECT min(s.%1$s) FROM %2$s AS s
                                    WHERE s.%1$s >= $1 AND s.%1$s < $2)', known.cut_by, stray)
               INTO cut USING lower(piece), upper(piece);
            piece := tstzrange(lower(piece), coalesce(cut, upper(piece)));
            part := known.relname || to_char(lower(piece), '_YYYY_MM');
            IF lower(piece) <> date_trunc('month', lower(piece))
               OR to_regclass(format('%I.%I', known.nspname, part)) IS NOT NULL THEN
                part := known.relname || to_char(lower(piece), '_YYYY_MM_DD_HH24MI');
            END IF;
            IF to_regclass(format('%I.%I', known.nspname, part)) IS NOT NULL THEN
                part := known.relname || to_char(lower(piece), '_YYYY_MM_DD_HH24MISS_US');
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
                GET DIAGNOSTICS count = ROW_COUNT;
                moved := moved + count;
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

CREATE OR REPLACE PROCEDURE audit.partition_maintenance(now timestamptz DEFAULT pg_catalog.now())
    LANGUAGE plpgsql
AS $$
DECLARE
    kept record;
BEGIN
    -- Each by itself: whoever waited goes first. What is left after them is the next run's.
    FOR step IN 1..24 LOOP
        EXIT WHEN audit.create_partitions(now) = 0;
        COMMIT;
    END LOOP;
    COMMIT;
    FOR kept IN SELECT r.part, r.said FROM audit.retire_partitions(now) AS r WHERE NOT r.done LOOP
        RAISE WARNING 'audit.%: was not retired: %', kept.part, kept.said;
    END LOOP;
END
$$;
