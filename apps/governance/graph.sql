-- hold_agent --
-- Until the transaction ends; writers take them in the order of their names.
SELECT pg_advisory_xact_lock(hashtextextended('graph/Agent/' || %(agent)s, 0));

-- know_agent --
-- An agent as core.identities has it.
SELECT known
  FROM ag_catalog.cypher('governance_graph', $cypher$
       MERGE (a:Agent {id: $id})
       SET a.status = $status, a.created_at = $created_at
       RETURN a.id
       $cypher$, %(given)s) AS (known ag_catalog.agtype);
