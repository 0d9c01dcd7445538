-- Takes back that ends are missed; what was found by hole and hash still is.

CREATE OR REPLACE FUNCTION log.verify(of_stream text)
    RETURNS TABLE (stream text, version bigint, fault text)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT e.stream, e.version,
           CASE WHEN e.version <> coalesce(e.version_before, 0) + 1 THEN 'gap' ELSE 'changed' END
      FROM (
        SELECT v.stream, v.version, v.type, v.schema_version, v.recorded_at, v.data, v.metadata,
               v.sha256, lag(v.version) OVER life AS version_before,
               lag(v.sha256) OVER life AS sha256_before
          FROM log.events AS v
         WHERE of_stream IS NULL OR v.stream = of_stream
        WINDOW life AS (PARTITION BY v.stream ORDER BY v.version)) AS e
     WHERE e.version <> coalesce(e.version_before, 0) + 1
        OR e.sha256 <> log.digest(e.sha256_before, e.stream, e.version, e.type, e.schema_version,
                                  e.recorded_at, e.data, e.metadata)
     ORDER BY e.stream, e.version
$$;
