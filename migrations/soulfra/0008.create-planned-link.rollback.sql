-- Takes back the function's language; the hashes are the same.

CREATE OR REPLACE FUNCTION log.link(
    last bytea, before bytea, stream text, version bigint, type text, schema_version integer,
    recorded_at timestamptz, data jsonb, metadata jsonb) RETURNS bytea
    LANGUAGE sql STABLE
RETURN log.digest(coalesce(last, before), stream, version, type, schema_version, recorded_at, data,
                  metadata);
