-- Takes back the graph. What it repeats stays in core and dialectic.
-- lossy: all vertices and edges of governance_graph

DO $$
BEGIN
    IF EXISTS (SELECT FROM ag_catalog.ag_graph AS g WHERE g.name = 'governance_graph') THEN
        PERFORM ag_catalog.drop_graph('governance_graph', true);
    END IF;
END
$$;
