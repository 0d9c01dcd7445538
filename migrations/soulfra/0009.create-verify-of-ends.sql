-- The end of a life that was taken out whole is missed, too: answers and tables say how far it went.
-- depends: 0008.create-planned-link
-- ensure: SELECT pg_catalog.strpos(p.prosrc, 'end missing') > 0 FROM pg_catalog.pg_proc AS p WHERE p.oid = 'log.verify(text)'::pg_catalog.regprocedure

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
     UNION ALL
    SELECT went.stream, went.version, 'end missing'
      FROM (
        SELECT told.stream, max(told.version) AS version
          FROM (
            SELECT (c.answer ->> 'entity') || ':' || (c.answer ->> 'id') AS stream,
                   (c.answer ->> 'version')::bigint AS version
              FROM log.commands AS c
             UNION ALL
            SELECT 'user:' || u.id, u.version FROM soulfra.users AS u
             UNION ALL
            SELECT 'agent:' || a.agent_id, a.version FROM soulfra.agents AS a
             UNION ALL
            SELECT 'loop:' || l.loop_id, l.version FROM soulfra.loops AS l) AS told
         WHERE of_stream IS NULL OR told.stream = of_stream
         GROUP BY told.stream) AS went
      LEFT JOIN LATERAL (SELECT v.version FROM log.events AS v WHERE v.stream = went.stream
                          ORDER BY v.version DESC LIMIT 1) AS last ON true
     WHERE went.version > coalesce(last.version, 0)
     ORDER BY 1, 2
$$;
