-- What /health asks of the graph: whether a vertex can be written and read. Depends on 0008.
-- ensure: SELECT core.probe_graph() AND core.probe_graph()
-- ensure: SELECT count(*) = 1 FROM pg_catalog.pg_proc WHERE oid = 'core.probe_graph()'::regprocedure AND prosecdef

CREATE FUNCTION core.probe_graph() RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = ag_catalog, pg_catalog, pg_temp
AS $body$
DECLARE
    was_read boolean := false;
BEGIN
    BEGIN
        PERFORM FROM cypher('governance_graph',
            $$ CREATE (t:Tag {name: 'written and taken back by /health'}) RETURN id(t) $$)
            AS (id agtype);
        was_read := EXISTS (SELECT FROM cypher('governance_graph',
            $$ MATCH (t:Tag {name: 'written and taken back by /health'}) RETURN id(t) $$)
            AS (id agtype));
        RAISE EXCEPTION USING ERRCODE = 'AB0DE', MESSAGE = 'undo';
    EXCEPTION WHEN SQLSTATE 'AB0DE' THEN
        NULL;  -- the vertex is gone, the answer stays
    END;
    RETURN was_read;
END
$body$;
COMMENT ON FUNCTION core.probe_graph() IS
    'Writes a fixed vertex, reads it and takes it back: whether the graph works. Leaves nothing.';
REVOKE ALL ON FUNCTION core.probe_graph() FROM PUBLIC;
