-- The hash of an event, a tenth of an append cheaper: a function in SQL is planned anew in each query.
-- depends: 0007.create-drift
-- ensure: SELECT l.lanname = 'plpgsql' FROM pg_catalog.pg_proc AS p JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang WHERE p.oid = 'log.link'::pg_catalog.regproc

CREATE OR REPLACE FUNCTION log.link(
    last bytea, before bytea, stream text, version bigint, type text, schema_version integer,
    recorded_at timestamptz, data jsonb, metadata jsonb) RETURNS bytea
    LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN log.digest(coalesce(last, before), stream, version, type, schema_version, recorded_at,
                      data, metadata);
END
$$;
