-- hold_opening --
-- Who opens a dispute sees all that are open, until the transaction ends: no reviewer is taken twice.
SELECT pg_advisory_xact_lock(hashtextextended('dialectic/open', 0));

-- subject --
-- An agent that wants to talk: its status, its last state, and what its last dispute left it with,
-- unless an operator spoke since.
SELECT identity.status,
       last.state, coalesce(last.action = 'pause', false) AS verdict_pauses,
       left_with.resolution_action, left_with.resume_at
  FROM core.identities AS identity
  LEFT JOIN LATERAL (
       SELECT s.action, jsonb_build_object(
              'E', s.energy, 'I', s.integrity, 'S', s.entropy, 'V', s.void,
              'coherence', s.coherence, 'risk_score', s.risk, 'action', s.action,
              'nearest_edge', s.nearest_edge, 'reason', s.reason) AS state
         FROM core.agent_state AS s
        WHERE s.identity_id BETWEEN identity.identity_id AND identity.identity_id AND NOT s.late
        ORDER BY s.identity_id, s.state_id DESC LIMIT 1) AS last ON true
  LEFT JOIN LATERAL (
       SELECT d.resolution_action, d.resume_at, d.settled_at
         FROM dialectic.sessions AS d
        WHERE d.paused_agent_id = identity.agent_id AND d.settled_at IS NOT NULL
        ORDER BY d.settled_at DESC LIMIT 1) AS left_with
    ON NOT EXISTS (
       SELECT FROM core.lifecycle_events AS e
        WHERE e.identity_id = identity.identity_id AND e.role <> session_user
          AND e.occurred_at > left_with.settled_at)
 WHERE identity.agent_id = %(agent)s;

-- free_agents --
-- Who could review: active, heard of late, not paused by its last verdict, in no open dispute; and
-- no kin: an agent makes its children itself, and they would say whatever it wants.
WITH RECURSIVE above AS (
SELECT i.agent_id, i.parent_agent_id FROM core.identities AS i WHERE i.agent_id = %(agent)s
 UNION
SELECT i.agent_id, i.parent_agent_id
  FROM above AS a
  JOIN core.identities AS i ON i.agent_id = a.parent_agent_id),
kin AS (
SELECT a.agent_id FROM above AS a
 UNION
SELECT i.agent_id
  FROM kin AS k
  JOIN core.identities AS i ON i.parent_agent_id = k.agent_id)
SELECT identity.agent_id
  FROM core.identities AS identity
 WHERE identity.status = 'active' AND identity.last_activity_at > %(heard_since)s
   AND NOT EXISTS (
       SELECT FROM kin WHERE kin.agent_id = identity.agent_id AND kin.agent_id <> %(agent)s)
   AND NOT EXISTS (
       SELECT FROM dialectic.sessions AS d
        WHERE d.status = 'active'
          AND identity.agent_id IN (d.paused_agent_id, d.reviewer_agent_id))
   AND 'proceed' = (
       SELECT s.action FROM core.agent_state AS s
        WHERE s.identity_id BETWEEN identity.identity_id AND identity.identity_id AND NOT s.late
        ORDER BY s.identity_id, s.state_id DESC LIMIT 1)
 ORDER BY identity.agent_id;

-- recent_partners --
-- With whom an agent had a dispute of late, on either side.
SELECT DISTINCT CASE WHEN d.paused_agent_id = %(agent)s
                     THEN d.reviewer_agent_id ELSE d.paused_agent_id END
  FROM dialectic.sessions AS d
 WHERE d.created_at > %(since)s AND d.imported_json IS NULL
   AND %(agent)s IN (d.paused_agent_id, d.reviewer_agent_id);

-- open_of --
-- The open dispute of an agent.
SELECT session_id FROM dialectic.sessions
 WHERE paused_agent_id = %(agent)s AND status = 'active';

-- author --
-- Who found a discovery.
SELECT agent_id FROM core.discoveries WHERE discovery_id = %(discovery)s;

-- open_session --
-- A dispute in its first phase.
INSERT INTO dialectic.sessions (
       session_id, session_type, paused_agent_id, reviewer_agent_id, topic, reason, discovery_id,
       dispute_type, max_synthesis_rounds, paused_agent_state_json, created_at, updated_at,
       deadline_at)
VALUES (%(session_id)s, %(session_type)s, %(paused_agent_id)s, %(reviewer_agent_id)s, %(topic)s,
       %(reason)s, %(discovery_id)s, %(dispute_type)s, %(max_synthesis_rounds)s,
       %(paused_agent_state_json)s, %(created_at)s, %(created_at)s, %(deadline_at)s);

-- session --
-- One dispute, and whether its agent is held by its status.
SELECT d.session_id, d.session_type, d.phase, d.status, d.paused_agent_id, d.reviewer_agent_id,
       d.topic, d.reason, d.discovery_id, d.dispute_type, d.synthesis_round,
       d.max_synthesis_rounds, d.deadline_at, d.resolution_action, d.resume_at, d.created_at,
       d.updated_at, d.resolved_at, d.paused_agent_state_json, d.resolution_json, d.imported_json,
       identity.status = 'paused' AS held
  FROM dialectic.sessions AS d
  JOIN core.identities AS identity ON identity.agent_id = d.paused_agent_id
 WHERE d.session_id = %(session_id)s;

-- hold_session --
-- Until the transaction ends nobody else speaks in it.
SELECT session_id FROM dialectic.sessions WHERE session_id = %(session_id)s FOR UPDATE;

-- sessions --
-- Some disputes, the newest first.
SELECT d.session_id, d.session_type, d.phase, d.status, d.paused_agent_id, d.reviewer_agent_id,
       d.topic, d.reason, d.discovery_id, d.dispute_type, d.synthesis_round,
       d.max_synthesis_rounds, d.deadline_at, d.resolution_action, d.resume_at, d.created_at,
       d.updated_at, d.resolved_at
  FROM dialectic.sessions AS d
 WHERE (%(about)s::text IS NULL OR %(about)s IN (d.paused_agent_id, d.reviewer_agent_id))
   AND (%(status)s::text IS NULL OR d.status = %(status)s)
   AND (%(before)s::timestamptz IS NULL OR d.created_at < %(before)s)
 ORDER BY d.created_at DESC, d.session_id
 LIMIT %(limit)s;

-- messages --
-- All that was said in a dispute, in order.
SELECT m.seq, m.message_type, m.agent_id, m.recorded_at, m.root_cause, m.proposed_conditions,
       m.reasoning, m.observed_metrics, m.concerns, m.agrees, m.proposed_action, m.signature,
       m.imported_json
  FROM dialectic.messages AS m
 WHERE m.session_id = %(session_id)s
 ORDER BY m.seq;

-- say --
-- One more message; gives its id.
INSERT INTO dialectic.messages (
       session_id, seq, agent_id, message_type, recorded_at, root_cause, proposed_conditions,
       reasoning, observed_metrics, concerns, agrees, proposed_action, signature, imported_json)
VALUES (%(session_id)s, %(seq)s, %(agent_id)s, %(message_type)s, %(recorded_at)s, %(root_cause)s,
       %(proposed_conditions)s, %(reasoning)s, %(observed_metrics)s, %(concerns)s, %(agrees)s,
       %(proposed_action)s, %(signature)s, %(imported_json)s)
RETURNING message_id;

-- move --
-- Where a dispute came to.
UPDATE dialectic.sessions
   SET phase = %(phase)s, status = %(status)s, synthesis_round = %(synthesis_round)s,
       deadline_at = %(deadline_at)s, resolution_action = %(resolution_action)s,
       resolution_json = %(resolution_json)s, resume_at = %(resume_at)s,
       updated_at = %(at)s, resolved_at = %(resolved_at)s
 WHERE session_id = %(session_id)s;

-- settle --
-- What it means for the agent's status; gives the new one, or null.
SELECT dialectic.settle(%(session_id)s, %(at)s);

-- overdue --
-- Disputes whose next word did not come in time.
SELECT session_id FROM dialectic.sessions
 WHERE status = 'active' AND deadline_at < %(now)s
 ORDER BY deadline_at LIMIT %(limit)s;

-- cooled --
-- Disputes whose agent has cooled down.
SELECT session_id FROM dialectic.sessions
 WHERE resume_at <= %(now)s
 ORDER BY resume_at LIMIT %(limit)s;

-- stand --
-- Status and creation of agents, for their vertices.
SELECT agent_id, status, created_at FROM core.identities WHERE agent_id = ANY (%(agents)s);

-- make_known --
-- Agents that are named in a file; they were never heard here.
INSERT INTO core.identities (agent_id)
SELECT DISTINCT asked.agent FROM unnest(%(agents)s::text[]) AS asked (agent)
ON CONFLICT (agent_id) DO NOTHING
RETURNING agent_id;

-- import_session --
-- A dispute of another server.
INSERT INTO dialectic.sessions (
       session_id, session_type, phase, status, paused_agent_id, reviewer_agent_id, topic, reason,
       discovery_id, dispute_type, synthesis_round, paused_agent_state_json, resolution_action,
       resolution_json, created_at, updated_at, resolved_at, imported_json)
VALUES (%(session_id)s, %(session_type)s, %(phase)s, %(status)s, %(paused_agent_id)s,
       %(reviewer_agent_id)s, %(topic)s, %(reason)s,
       (SELECT d.discovery_id FROM core.discoveries AS d WHERE d.discovery_id = %(discovery_id)s),
       %(dispute_type)s, %(synthesis_round)s, %(paused_agent_state_json)s, %(resolution_action)s,
       %(resolution_json)s, %(created_at)s, %(updated_at)s, %(resolved_at)s, %(imported_json)s)
ON CONFLICT (session_id) DO NOTHING
RETURNING session_id;

-- graph_session --
-- The vertex of a dispute, and whose pause it is about.
SELECT made
  FROM ag_catalog.cypher('governance_graph', $cypher$
       MATCH (p:Agent) WHERE p.id = $paused
       CREATE (s:DialecticSession
               {id: $id, status: $status, phase: $phase, created_at: $created_at})
       CREATE (s)-[:PAUSED_AGENT]->(p)
       RETURN s.id
       $cypher$, %(given)s) AS (made ag_catalog.agtype);

-- graph_reviewer --
-- Who answers in it.
SELECT made
  FROM ag_catalog.cypher('governance_graph', $cypher$
       MATCH (s:DialecticSession) WHERE s.id = $id
       MATCH (r:Agent) WHERE r.id = $reviewer
       CREATE (s)-[e:REVIEWER]->(r)
       RETURN s.id
       $cypher$, %(given)s) AS (made ag_catalog.agtype);

-- graph_message --
-- What was said, and by whom.
SELECT made
  FROM ag_catalog.cypher('governance_graph', $cypher$
       MATCH (s:DialecticSession) WHERE s.id = $session
       MATCH (a:Agent) WHERE a.id = $agent
       CREATE (s)-[:HAS_MESSAGE]->(m:DialecticMessage {id: $id, seq: $seq, type: $type})
       CREATE (a)-[:WROTE]->(m)
       RETURN m.id
       $cypher$, %(given)s) AS (made ag_catalog.agtype);

-- graph_move --
-- Where it came to.
SELECT made
  FROM ag_catalog.cypher('governance_graph', $cypher$
       MATCH (s:DialecticSession) WHERE s.id = $id
       SET s.status = $status, s.phase = $phase
       RETURN s.id
       $cypher$, %(given)s) AS (made ag_catalog.agtype);
