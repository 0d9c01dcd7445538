-- Takes back usage, outcomes and the upkeep of months; audit.events keeps the months it has.
-- lossy: all rows of audit.tool_usage and audit.outcome_events, and expired months without archive

DROP FUNCTION audit.partition_state(timestamptz);
DROP PROCEDURE audit.partition_maintenance(timestamptz);
DROP FUNCTION audit.drop_retired(text, bigint, bytea);
DROP FUNCTION audit.retire_partitions(timestamptz);
DROP FUNCTION audit.create_partitions(timestamptz);
DROP FUNCTION audit.partition_bounds(regclass);
DROP TABLE audit.retired;
DROP TABLE audit.partitions;
DROP TABLE audit.outcome_events;
DROP TABLE audit.tool_usage;
DROP SCHEMA retired CASCADE;

-- Rows that fell into the default partition move into their month: as long as they lie there,
-- the month cannot be attached. Bounds carry '+00' and the function runs in UTC: a month made
-- in a session of another time zone would leave a hole of some hours at its edge.
CREATE FUNCTION audit.partition_maintenance(now timestamptz) RETURNS integer
    LANGUAGE plpgsql STRICT SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $$
DECLARE
    first_day date := date_trunc('month', now)::date;
    made integer := 0;
    ahead integer;
    from_day date;
    from_at text;
    upto_at text;
    part text;
BEGIN
    FOR ahead IN 0..2 LOOP
        from_day := (first_day + make_interval(months => ahead))::date;
        from_at := to_char(from_day, 'YYYY-MM-DD') || ' 00:00:00+00';
        upto_at := to_char(from_day + interval '1 month', 'YYYY-MM-DD') || ' 00:00:00+00';
        part := 'events_' || to_char(from_day, 'YYYY_MM');
        IF to_regclass('audit.' || part) IS NULL THEN
            -- Nothing may fall into the default between the move and the attaching.
            LOCK TABLE audit.events_default IN ACCESS EXCLUSIVE MODE;
            EXECUTE format('CREATE TABLE audit.%I (LIKE audit.events INCLUDING ALL)', part);
            EXECUTE format('COMMENT ON TABLE audit.%I IS %L', part,
                           'Events of one month, UTC.');
            EXECUTE format(
                'WITH moved AS (
                     DELETE FROM audit.events_default
                      WHERE recorded_at >= %L AND recorded_at < %L
                     RETURNING event_id, recorded_at, agent_id, event_type, payload)
                 INSERT INTO audit.%I (event_id, recorded_at, agent_id, event_type, payload)
                 SELECT event_id, recorded_at, agent_id, event_type, payload FROM moved',
                from_at, upto_at, part);
            EXECUTE format(
                'ALTER TABLE audit.events ATTACH PARTITION audit.%I FOR VALUES FROM (%L) TO (%L)',
                part, from_at, upto_at);
            made := made + 1;
        END IF;
    END LOOP;
    RETURN made;
END
$$;
COMMENT ON FUNCTION audit.partition_maintenance(timestamptz) IS
    'Makes the month of the given instant and the two after it, with what lies in'
    ' events_default of them; gives how many it made.';
REVOKE ALL ON FUNCTION audit.partition_maintenance(timestamptz) FROM PUBLIC;
