-- headed --
-- A value with the version and the instant of the last event of its stream, as one snapshot has them.
SELECT coalesce(h.version, 0), coalesce(h.at, 0), (NULL)::text
  FROM (SELECT 1) AS one
  LEFT JOIN LATERAL (
       SELECT e.version, (extract(epoch FROM e.recorded_at) * 1000)::bigint AS at
         FROM log.events AS e
        WHERE e.stream = %(stream)s
        ORDER BY e.version DESC
        LIMIT 1) AS h ON true;

-- consciousness --
SELECT l.consciousness_state FROM soulfra.loops AS l WHERE l.loop_id = %(id)s;

-- recent_events --
-- The newest of a life, the newest first.
SELECT e.position, e.transaction_id, e.stream, e.version, e.type, e.schema_version,
       e.recorded_at, e.data, e.metadata
  FROM log.events AS e
 WHERE e.stream = %(stream)s
 ORDER BY e.version DESC
 LIMIT %(limit)s;

-- recent_whispers --
-- What an agent whispered, the newest first: its owner's loops are few enough to be looked through.
SELECT e.position, l.loop_id, l.whisper_origin, e.data ->> 'tone', l.created_at
  FROM soulfra.loops AS l
  JOIN log.events AS e ON e.stream = 'loop:' || l.loop_id AND e.version = 1
 WHERE l.creator_id = (SELECT a.owner_id FROM soulfra.agents AS a WHERE a.agent_id = %(id)s)
   AND l.agent_id = %(id)s
   AND l.fork_parent IS NULL
 ORDER BY l.created_at DESC, e.position DESC
 LIMIT %(limit)s;

-- mended --
-- When tables were last put right, in milliseconds since 1970.
SELECT (extract(epoch FROM f.moved_at) * 1000)::bigint
  FROM log.followers AS f WHERE f.follower = %(mended)s;

-- rewound --
-- The last events that a follower took, the newest first: a Redis that came back may have lost them.
SELECT e.position, e.transaction_id, e.stream, e.version, e.type, e.schema_version,
       e.recorded_at, e.data, e.metadata
  FROM log.events AS e, log.followers AS f
 WHERE f.follower = %(follower)s
   AND (e.transaction_id, e.position) <= (f.transaction_id, f.position)
   AND e.recorded_at > f.recorded_at - make_interval(secs => %(seconds)s)
 ORDER BY e.transaction_id DESC, e.position DESC
 LIMIT %(limit)s;
