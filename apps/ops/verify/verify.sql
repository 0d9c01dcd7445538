-- rows --
-- What Postgres holds of one check-in, and of the newest that the Pi was answered; one JSON object.
SELECT json_build_object(
    'migration', (SELECT max(version) FROM core.schema_migrations),
    'identity', (
        SELECT json_build_object(
                   'status', i.status, 'created_at', i.created_at,
                   'discoveries', (SELECT count(*) FROM core.discoveries AS d
                                    WHERE d.agent_id = i.agent_id),
                   'spawned', (SELECT count(*) FROM core.identities AS c
                                WHERE c.parent_agent_id = i.agent_id),
                   'ties', (SELECT count(*) FROM dialectic.sessions AS s
                             WHERE i.agent_id IN (s.paused_agent_id, s.reviewer_agent_id))
                           + (i.parent_agent_id IS NOT NULL)::integer)
          FROM core.identities AS i WHERE i.agent_id = :'agent'),
    'states', (
        SELECT coalesce(json_agg(json_build_object(
                   'state_id', s.state_id, 'boot_id', s.boot_id, 'seq', s.seq,
                   'sha256', encode(s.body_sha256, 'hex'),
                   'recorded_at', s.recorded_at, 'received_at', s.received_at, 'late', s.late,
                   'warmth', s.warmth, 'clarity', s.clarity,
                   'stability', s.stability, 'presence', s.presence,
                   'action', s.action, 'margin', s.margin, 'reason', s.reason,
                   'drawing', s.state_json -> 'drawing_eisv') ORDER BY s.state_id), '[]')
          FROM core.agent_state AS s
          JOIN core.identities AS i USING (identity_id)
         WHERE i.agent_id = :'agent'
           AND ((s.boot_id = :'boot_id' AND s.seq = :'seq'::bigint)
                OR (s.boot_id = :'newest_boot_id' AND s.seq = :'newest_seq'::bigint))),
    'events', (
        SELECT coalesce(json_agg(json_build_object(
                   'event_id', e.event_id, 'recorded_at', e.recorded_at, 'agent_id', e.agent_id,
                   'event_type', e.event_type, 'payload', e.payload)), '[]')
          FROM audit.events AS e
         WHERE e.agent_id = :'agent' AND e.event_type = 'check_in'
           AND e.payload @> jsonb_build_object('boot_id', :'boot_id', 'seq', :'seq'::bigint)));

-- vertices --
-- The agent's vertices in the graph, each as agtype; the text of the Cypher is fixed.
LOAD 'age';
SET search_path = ag_catalog, pg_catalog;
PREPARE vertices (ag_catalog.agtype) AS
SELECT known FROM ag_catalog.cypher('governance_graph', $cypher$
       MATCH (a:Agent {id: $id})
       OPTIONAL MATCH (a)-[:DISCOVERED]->(d:Discovery)
       WITH a, count(d) AS discoveries
       OPTIONAL MATCH (a)-[:SPAWNED]->(c:Agent)
       WITH a, discoveries, count(c) AS spawned
       RETURN {status: a.status, created_at: a.created_at, discoveries: discoveries,
               spawned: spawned}
       $cypher$, $1) AS (known ag_catalog.agtype);
EXECUTE vertices (:'given');
