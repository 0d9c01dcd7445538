-- Takes back the probe; it never left anything.

DROP FUNCTION core.probe_graph();
