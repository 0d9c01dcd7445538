-- What was answered a month ago is not asked again; a bounded number is forgotten at a time.
-- depends: 0010.create-append-in-order
-- ensure: SELECT count(*) = 1 FROM pg_catalog.pg_proc AS p WHERE p.oid = 'log.forget_commands(integer)'::pg_catalog.regprocedure

CREATE FUNCTION log.forget_commands(most integer) RETURNS integer
    LANGUAGE sql STRICT SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH old AS (
        SELECT c.command_id FROM log.commands AS c
         WHERE c.done_at < now() - interval '30 days'
         ORDER BY c.done_at
         LIMIT most
    ), gone AS (
        DELETE FROM log.commands AS c USING old AS o WHERE c.command_id = o.command_id
        RETURNING 1
    )
    SELECT count(*)::integer FROM gone
$$;
COMMENT ON FUNCTION log.forget_commands(integer) IS
    'Forgets commands that are kept long enough, the oldest first; gives how many.';
