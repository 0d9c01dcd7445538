-- register_agent --
-- A new agent; nothing when the name is taken. The parent must live.
INSERT INTO core.identities (agent_id, parent_agent_id, spawn_reason)
SELECT %(agent)s, %(parent)s, %(reason)s
 WHERE %(parent)s::text IS NULL
    OR EXISTS (SELECT FROM core.identities AS parent
                WHERE parent.agent_id = %(parent)s
                  AND parent.status NOT IN ('archived', 'disabled', 'deleted'))
ON CONFLICT (agent_id) DO NOTHING
RETURNING created_at;

-- standing_of --
-- Where an agent is in its life, and whose child it is.
SELECT status, parent_agent_id, created_at FROM core.identities WHERE agent_id = %(agent)s;

-- ended --
-- Those of some agents that have ended, and how.
SELECT agent_id, status
  FROM core.identities
 WHERE agent_id = ANY (%(agents)s::text[]) AND status = ANY (%(ended)s::text[]);

-- archive_agent --
-- True if it was active, waiting or paused.
SELECT core.archive_identity(%(agent)s);

-- spawned --
-- The edge from a parent to its child; both vertices are there.
SELECT made
  FROM ag_catalog.cypher('governance_graph', $cypher$
       MATCH (p:Agent {id: $parent}), (c:Agent {id: $child})
       MERGE (p)-[s:SPAWNED]->(c)
       RETURN c.id
       $cypher$, %(given)s) AS (made ag_catalog.agtype);

-- list_agents --
-- A page by name: from after the last one of the page before, so that none is skipped or told twice.
SELECT identity.agent_id, identity.status, identity.label, identity.parent_agent_id,
       identity.last_activity_at, state.action, state.margin, state.received_at
  FROM core.identities AS identity
  LEFT JOIN LATERAL (
       SELECT s.action, s.margin, s.received_at
         FROM core.agent_state AS s
        WHERE s.identity_id BETWEEN identity.identity_id AND identity.identity_id
          AND NOT s.late
        ORDER BY s.identity_id, s.state_id DESC
        LIMIT 1) AS state ON true
 WHERE (%(after)s::text IS NULL OR identity.agent_id > %(after)s)
   AND (%(status)s::text IS NULL OR identity.status = %(status)s)
 ORDER BY identity.agent_id
 LIMIT %(limit)s;

-- described --
-- What agents say of themselves, and what of them never changes.
SELECT agent_id, label, purpose, notes, tags, metadata, parent_agent_id, spawn_reason, created_at
  FROM core.identities
 WHERE agent_id = ANY (%(agents)s::text[]);

-- get_agent --
-- What of an agent is of this moment.
SELECT identity.status, identity.last_activity_at,
       state.action, state.margin, state.reason, state.received_at
  FROM core.identities AS identity
  LEFT JOIN LATERAL (
       SELECT s.action, s.margin, s.reason, s.received_at
         FROM core.agent_state AS s
        WHERE s.identity_id BETWEEN identity.identity_id AND identity.identity_id
          AND NOT s.late
        ORDER BY s.identity_id, s.state_id DESC
        LIMIT 1) AS state ON true
 WHERE identity.agent_id = %(agent)s;

-- ancestors --
-- The parent, its parent, and so on. A parent was there before its child: there is no circle.
WITH RECURSIVE line (agent_id, depth) AS (
     SELECT child.parent_agent_id, 1
       FROM core.identities AS child
      WHERE child.agent_id = %(agent)s AND child.parent_agent_id IS NOT NULL
     UNION ALL
     SELECT above.parent_agent_id, line.depth + 1
       FROM line
       JOIN core.identities AS above ON above.agent_id = line.agent_id
      WHERE above.parent_agent_id IS NOT NULL AND line.depth < %(limit)s)
SELECT line.agent_id FROM line ORDER BY line.depth;

-- children --
-- Whom it spawned, by name.
SELECT child.agent_id
  FROM core.identities AS child
 WHERE child.parent_agent_id = %(agent)s
 ORDER BY child.agent_id
 LIMIT %(limit)s;
