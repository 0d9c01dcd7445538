-- said_of --
-- What a shard says of a person: what is sealed, and what only home may have.
SELECT 'soulfra.agents.archetype', 'unreadable', count(*)
  FROM soulfra.agents AS a WHERE a.owner_id = %(user_id)s
 UNION ALL
SELECT 'log.events.data', 'unreadable', count(*)
  FROM log.events AS e
 WHERE e.stream = ANY (SELECT 'agent:' || g FROM unnest(%(agents)s::text[]) AS g)
   AND e.type = 'agent_registered'
 UNION ALL
SELECT 'privacy.subjects', 'stray', count(*)
  FROM privacy.subjects AS s WHERE s.user_id = %(user_id)s
 UNION ALL
SELECT 'soulfra.users', 'stray', count(*)
  FROM soulfra.users AS u WHERE u.id = %(user_id)s
 UNION ALL
SELECT 'soulfra.loops', 'stray', count(*)
  FROM soulfra.loops AS l WHERE l.creator_id = %(user_id)s OR l.agent_id = ANY (%(agents)s)
 UNION ALL
SELECT 'soulfra.prophecies', 'stray', count(*)
  FROM soulfra.prophecies AS p WHERE p.author_agent = ANY (%(agents)s)
 UNION ALL
SELECT 'soulfra.pii_tokens', 'stray', count(*)
  FROM soulfra.pii_tokens AS t WHERE t.user_id = %(user_id)s;
