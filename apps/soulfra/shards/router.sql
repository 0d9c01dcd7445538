-- places --
-- Every shard, its own slots, and since which epoch each is.
SELECT p.name, p.place, p.here,
       coalesce(array_agg(m.slot ORDER BY m.slot) FILTER (WHERE m.slot IS NOT NULL), '{}'),
       coalesce(array_agg(m.epoch ORDER BY m.slot) FILTER (WHERE m.slot IS NOT NULL), '{}')
  FROM shard.places AS p
  LEFT JOIN shard.map AS m ON m.shard = p.name
 GROUP BY p.name, p.place, p.here;

-- state --
-- What this database does with an agent's slot; no row: there are no shards.
SELECT s.state, s.epoch FROM shard.slots AS s WHERE s.slot = shard.slot_of(%(agent_id)s);

-- registrations --
-- Agents that are still to be carried, the oldest first.
SELECT r.agent_id FROM shard.registrations AS r ORDER BY r.registered_at LIMIT %(limit)s;

-- registration --
-- How one was registered at home; JSON as text, for its hash is of the text.
SELECT e.schema_version, e.recorded_at, e.data::text, e.metadata::text, e.sha256
  FROM shard.registrations AS r
  JOIN log.events AS e ON e.stream = 'agent:' || r.agent_id AND e.version = 1
 WHERE r.agent_id = %(agent_id)s;

-- adopt --
SELECT shard.adopt(%(agent_id)s, %(schema_version)s, %(recorded_at)s, %(data)s::jsonb,
                   %(metadata)s::jsonb);

-- carried --
DELETE FROM shard.registrations AS r WHERE r.agent_id = %(agent_id)s;

-- came_home --
-- Its slot came home meanwhile, and so is where it was registered.
DELETE FROM shard.registrations AS r
 USING shard.slots AS s
 WHERE r.agent_id = %(agent_id)s AND s.slot = r.slot AND s.state IN ('here', 'frozen')
RETURNING r.agent_id;
