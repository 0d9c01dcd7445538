-- cut --
SELECT soulfra.cut_loop_month(%(month)s);

-- exists --
SELECT to_regclass(%(table)s) IS NOT NULL;

-- empty --
-- Whether the month is there and holds nothing.
SELECT NOT EXISTS (SELECT FROM soulfra.loops AS l
                    WHERE l.created_at >= %(month)s
                      AND l.created_at < %(month)s::timestamptz + interval '1 month');

-- whispers --
-- As a replay has them: none of whoever was forgotten since.
UPDATE soulfra.loops AS l
   SET whisper_origin = e.data ->> 'whisper'
  FROM log.events AS e
  LEFT JOIN log.events AS o
    ON o.stream = e.stream AND o.version = 2 AND o.type = 'loop_owned'
 WHERE e.stream = 'loop:' || l.loop_id AND e.version = 1 AND e.type = 'loop_created'
   AND l.created_at >= %(month)s
   AND l.created_at < %(month)s::timestamptz + interval '1 month'
   AND NOT EXISTS (
       SELECT FROM log.events AS f
        WHERE f.stream = 'user:' || coalesce(e.data ->> 'creator_id', o.data ->> 'creator_id')
          AND f.type = 'user_forgotten');

-- owners --
INSERT INTO soulfra.loop_owners (loop_id, loop_created_at, creator_id, agent_id)
SELECT l.loop_id, l.created_at, (e.data ->> 'creator_id')::uuid, e.data ->> 'agent_id'
  FROM soulfra.loops AS l
  JOIN log.events AS e
    ON e.stream = 'loop:' || l.loop_id AND e.version = 2 AND e.type = 'loop_owned'
 WHERE l.created_at >= %(month)s
   AND l.created_at < %(month)s::timestamptz + interval '1 month';
