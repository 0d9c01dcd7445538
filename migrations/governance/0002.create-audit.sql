-- The queryable audit trail, one partition per month in UTC. Depends on nothing.

CREATE SCHEMA audit;
COMMENT ON SCHEMA audit IS 'What governance did, append-only. audit_log.jsonl holds the raw lines.';

CREATE TABLE audit.events (
    event_id    uuid NOT NULL,
    recorded_at timestamptz NOT NULL,
    agent_id    text,
    event_type  text NOT NULL,
    payload     jsonb NOT NULL DEFAULT '{}'
                CONSTRAINT events_payload_check CHECK (jsonb_typeof(payload) = 'object'),
    PRIMARY KEY (recorded_at, event_id)
) PARTITION BY RANGE (recorded_at);
CREATE INDEX events_agent_id_recorded_at_idx ON audit.events (agent_id, recorded_at DESC);
COMMENT ON TABLE audit.events IS 'One row per event; event_id is the same in audit_log.jsonl.';

CREATE TABLE audit.events_default PARTITION OF audit.events DEFAULT;
COMMENT ON TABLE audit.events_default IS 'Rows no month was made for. Should stay empty.';

-- Bounds carry '+00' and the function runs in UTC: a month made in a session of another
-- time zone would leave a hole of some hours at its edge.
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
    upto_day date;
    part text;
BEGIN
    FOR ahead IN 0..2 LOOP
        from_day := (first_day + make_interval(months => ahead))::date;
        upto_day := (first_day + make_interval(months => ahead + 1))::date;
        part := 'events_' || to_char(from_day, 'YYYY_MM');
        IF to_regclass('audit.' || part) IS NULL THEN
            EXECUTE format(
                'CREATE TABLE audit.%I PARTITION OF audit.events FOR VALUES FROM (%L) TO (%L)',
                part, to_char(from_day, 'YYYY-MM-DD') || ' 00:00:00+00',
                to_char(upto_day, 'YYYY-MM-DD') || ' 00:00:00+00');
            EXECUTE format('COMMENT ON TABLE audit.%I IS %L', part,
                           'Events of one month, UTC.');
            made := made + 1;
        END IF;
    END LOOP;
    RETURN made;
END
$$;
COMMENT ON FUNCTION audit.partition_maintenance(timestamptz) IS
    'Makes the month of the given instant and the two after it; gives how many it made.';
REVOKE ALL ON FUNCTION audit.partition_maintenance(timestamptz) FROM PUBLIC;

SELECT audit.partition_maintenance(now());
