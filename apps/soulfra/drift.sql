-- volatility --
SELECT v.level, v.agents, v.loops, v.shifts, v.shifted_at FROM drift.volatility AS v;

-- ratings --
SELECT r.entity, r.id, r.level, r.shifts, r.shifted_at
  FROM drift.ratings AS r
  JOIN unnest(%(entities)s::text[], %(ids)s::text[]) AS asked (entity, id)
    ON asked.entity = r.entity AND asked.id = r.id;

-- critical --
-- From a level on, the fastest first: by the index, as levels have the order of the ratings.
SELECT r.entity, r.id, r.level, r.shifts, r.shifted_at
  FROM drift.ratings AS r
 WHERE r.level >= %(level)s
 ORDER BY r.level DESC, r.entity, r.id
 LIMIT %(limit)s;

-- critical_here --
-- The same without agents of slots that are elsewhere.
SELECT r.entity, r.id, r.level, r.shifts, r.shifted_at
  FROM drift.ratings AS r
 WHERE r.level >= %(level)s
   AND NOT EXISTS (SELECT FROM soulfra.agents AS a
                    WHERE r.entity = 'agent' AND a.agent_id = r.id AND a.slot = ANY(%(away)s))
 ORDER BY r.level DESC, r.entity, r.id
 LIMIT %(limit)s;

-- of_slots --
-- What the agents of some slots come to, decayed to a level; what is below its 2**-64th is nothing.
SELECT coalesce(sum(power(2::float8, least(r.level - %(now)s, 1000))), 0)
  FROM drift.ratings AS r
  JOIN soulfra.agents AS a ON a.agent_id = r.id
 WHERE r.entity = 'agent' AND a.slot = ANY(%(slots)s) AND r.level > %(now)s - 64;

-- rating_of_agent --
-- Also of one that never shifted.
SELECT 'agent', a.agent_id, r.level, r.shifts, r.shifted_at
  FROM soulfra.agents AS a
  LEFT JOIN drift.ratings AS r ON r.entity = %(entity)s AND r.id = a.agent_id
 WHERE a.agent_id = %(id)s;

-- rating_of_loop --
SELECT 'loop', l.loop_id, r.level, r.shifts, r.shifted_at
  FROM soulfra.loops AS l
  LEFT JOIN drift.ratings AS r ON r.entity = %(entity)s AND r.id = l.loop_id
 WHERE l.loop_id = %(id)s;

-- put_volatility --
UPDATE drift.volatility
   SET level = %(level)s, agents = %(agents)s, loops = %(loops)s, shifts = %(shifts)s,
       shifted_at = %(shifted_at)s;

-- put_ratings --
INSERT INTO drift.ratings (entity, id, level, shifts, shifted_at)
SELECT new.entity, new.id, new.level, new.shifts, new.shifted_at
  FROM jsonb_to_recordset(%(rows)s::jsonb) AS new (
       entity text, id text, level float8, shifts bigint, shifted_at timestamptz)
ON CONFLICT (entity, id) DO UPDATE
   SET level = excluded.level, shifts = excluded.shifts, shifted_at = excluded.shifted_at;

-- end --
-- Of a loop that ended; what it did to all together decays there.
DELETE FROM drift.ratings AS r
 USING unnest(%(entities)s::text[], %(ids)s::text[]) AS gone (entity, id)
 WHERE r.entity = gone.entity AND r.id = gone.id;

-- forget_slots --
-- Of agents that left these slots for another shard, where their lives are counted whole.
DELETE FROM drift.ratings AS r
 USING soulfra.agents AS a, shard.slots AS s
 WHERE a.slot = ANY(%(slots)s) AND s.slot = a.slot AND s.state = 'away'
   AND r.entity = 'agent' AND r.id = a.agent_id;
