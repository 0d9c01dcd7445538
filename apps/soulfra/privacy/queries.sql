-- subjects --
-- The keys of some users and of some agents' owners.
SELECT s.user_id, s.wrapped
  FROM privacy.subjects AS s
 WHERE s.user_id = ANY (%(user)s::uuid[] || ARRAY(
       SELECT a.owner_id FROM soulfra.agents AS a WHERE a.agent_id = ANY (%(agent)s)));

-- taken --
-- Which names and addresses are somebody's.
SELECT 'username', s.username_token FROM privacy.subjects AS s
 WHERE s.username_token = ANY (%(username)s)
 UNION ALL
SELECT 'email', s.email_token FROM privacy.subjects AS s WHERE s.email_token = ANY (%(email)s);

-- make --
-- Keys of persons, in the transaction of the events that say that they came.
INSERT INTO privacy.subjects (user_id, wrapped, username_token, email_token)
SELECT new.user_id, decode(new.wrapped, 'hex'), decode(new.username_token, 'hex'),
       decode(new.email_token, 'hex')
  FROM jsonb_to_recordset($1) AS new (
       user_id uuid, wrapped text, username_token text, email_token text);

-- whose_user --
SELECT s.user_id, s.wrapped FROM privacy.subjects AS s WHERE s.user_id = %(id)s::uuid;

-- whose_agent --
SELECT s.user_id, s.wrapped
  FROM soulfra.agents AS a JOIN privacy.subjects AS s ON s.user_id = a.owner_id
 WHERE a.agent_id = %(id)s;

-- whose_loop --
SELECT s.user_id, s.wrapped
  FROM soulfra.loops AS l
  LEFT JOIN soulfra.loop_owners AS o ON o.loop_id = l.loop_id
  JOIN privacy.subjects AS s ON s.user_id = coalesce(l.creator_id, o.creator_id)
 WHERE l.loop_id = %(id)s;

-- whose_prophecy --
SELECT s.user_id, s.wrapped
  FROM soulfra.prophecies AS p
  JOIN soulfra.agents AS a ON a.agent_id = p.author_agent
  JOIN privacy.subjects AS s ON s.user_id = a.owner_id
 WHERE p.id = %(id)s::bigint;

-- told --
-- What a person's tokens stand for, sealed.
SELECT t.token, t.sealed FROM soulfra.pii_tokens AS t
 WHERE t.user_id = %(user_id)s AND t.token = ANY (%(tokens)s);

-- in_the_name_of --
-- Until the end of the transaction.
SELECT set_config('soulfra.user_id', %(user_id)s, true);

-- own_agent --
-- In a person's name: theirs, or none.
SELECT a.agent_id FROM soulfra.agents AS a WHERE a.agent_id = %(id)s;

-- unfinished --
-- Whose key is destroyed while other places may still say something.
SELECT s.user_id, s.report FROM privacy.subjects AS s
 WHERE s.forgotten_at IS NOT NULL AND s.finished_at IS NULL
 ORDER BY s.forgotten_at;

-- forgotten --
SELECT s.forgotten_at, s.finished_at, s.report FROM privacy.subjects AS s
 WHERE s.user_id = %(user_id)s AND s.forgotten_at IS NOT NULL;

-- entities --
-- What is somebody's: agents, loops and prophecies by their ids. A loop whose month was pruned is in
-- the log only: it was paid for in the transaction in which it began.
SELECT ARRAY(SELECT a.agent_id FROM soulfra.agents AS a WHERE a.owner_id = %(user_id)s
              ORDER BY a.agent_id),
       ARRAY(SELECT DISTINCT substr(e.stream, 6)
               FROM log.events AS p JOIN log.events AS e ON e.transaction_id = p.transaction_id
              WHERE p.stream = 'user:' || %(user_id)s::text
                AND p.type = 'credits_changed' AND p.data ->> 'cause' IN ('whisper', 'fork')
                AND e.type IN ('loop_created', 'loop_forked', 'loop_owned')
                AND e.data ->> 'creator_id' = %(user_id)s::text
              ORDER BY 1),
       ARRAY(SELECT p.id FROM soulfra.prophecies AS p JOIN soulfra.agents AS a
                 ON a.agent_id = p.author_agent WHERE a.owner_id = %(user_id)s ORDER BY p.id);

-- touched --
-- What the transaction of the event rewrote, counted from the log, and how much is left: never any.
WITH agent AS MATERIALIZED (
    SELECT a.agent_id FROM soulfra.agents AS a WHERE a.owner_id = %(user_id)s
), loop AS MATERIALIZED (
    SELECT l.loop_id, l.whisper_origin FROM soulfra.loops AS l
     WHERE l.creator_id = %(user_id)s AND l.fork_parent IS NULL
     UNION ALL
    SELECT l.loop_id, l.whisper_origin
      FROM soulfra.loop_owners AS o
      JOIN soulfra.loops AS l ON (l.loop_id, l.created_at) = (o.loop_id, o.loop_created_at)
     WHERE o.creator_id = %(user_id)s
), prophecy AS MATERIALIZED (
    SELECT p.id, p.prophecy_text FROM soulfra.prophecies AS p
      JOIN agent AS a ON a.agent_id = p.author_agent
), begun AS MATERIALIZED (
    SELECT e.stream, bool_or(e.type <> 'loop_forked') AS whispered,
           min(coalesce(e.data ->> 'loop_created_at', e.data ->> 'created_at')::timestamptz)
               AS created_at
      FROM log.events AS p JOIN log.events AS e ON e.transaction_id = p.transaction_id
     WHERE p.stream = 'user:' || %(user_id)s::text
       AND p.type = 'credits_changed' AND p.data ->> 'cause' IN ('whisper', 'fork')
       AND e.type IN ('loop_created', 'loop_forked', 'loop_owned')
       AND e.data ->> 'creator_id' = %(user_id)s::text
     GROUP BY e.stream
), event AS MATERIALIZED (
    SELECT e.type, e.data -> 'pii' AS pii FROM log.events AS e
     WHERE e.stream = ANY (ARRAY['user:' || %(user_id)s::text]
                           || ARRAY(SELECT 'agent:' || a.agent_id FROM agent AS a)
                           || ARRAY(SELECT b.stream FROM begun AS b WHERE b.whispered)
                           || ARRAY(SELECT 'prophecy:' || p.id FROM prophecy AS p))
       AND e.type IN ('user_registered', 'agent_registered', 'loop_created', 'loop_owned',
                      'prophecy_spoken')
)
SELECT place, touched, how, remaining FROM (
    SELECT 1, 'privacy.subjects.wrapped', 1, 'destroyed',
           (SELECT count(*) FROM privacy.subjects AS s
             WHERE s.user_id = %(user_id)s
               AND num_nonnulls(s.wrapped, s.username_token, s.email_token) > 0)
     UNION ALL
    SELECT 2, 'soulfra.users.username', 1, 'rewritten',
           (SELECT count(*) FROM soulfra.users AS u
             WHERE u.id = %(user_id)s AND u.username LIKE 's1.%%')
     UNION ALL
    SELECT 3, 'soulfra.users.email', 1, 'rewritten',
           (SELECT count(*) FROM soulfra.users AS u
             WHERE u.id = %(user_id)s AND u.email LIKE 's1.%%')
     UNION ALL
    SELECT 4, 'soulfra.loops.whisper_origin', (SELECT count(*) FROM loop), 'rewritten',
           (SELECT count(l.whisper_origin) FROM loop AS l)
     UNION ALL
    SELECT 5, 'soulfra.prophecies.prophecy_text', (SELECT count(*) FROM prophecy), 'rewritten',
           (SELECT count(*) FROM prophecy AS p WHERE p.prophecy_text LIKE 's1.%%')
     UNION ALL
    SELECT 6, 'soulfra.pii_tokens', (SELECT count(DISTINCT t.token)
                                       FROM event AS e, jsonb_object_keys(e.pii) AS t (token)),
           'removed', (SELECT count(*) FROM soulfra.pii_tokens AS t WHERE t.user_id = %(user_id)s)
     UNION ALL
    SELECT 7, 'soulfra.agents.archetype', (SELECT count(*) FROM agent), 'unreadable', 0
     UNION ALL
    SELECT 8, 'log.events.data', (SELECT count(*) FROM event), 'unreadable', 0
     UNION ALL
    -- Ids: texts, and whose an unsigned loop is, are in no archive.
    SELECT 9, 'archive/soulfra/loops_' || to_char(b.created_at AT TIME ZONE 'UTC', 'YYYY_MM'),
           count(*), 'unreadable', 0
      FROM begun AS b
     WHERE NOT EXISTS (SELECT FROM soulfra.loops AS l
                        WHERE (l.loop_id, l.created_at) = (substr(b.stream, 6), b.created_at))
     GROUP BY 2
) AS found (place_in_list, place, touched, how, remaining)
 ORDER BY place_in_list, place;

-- noted --
-- What was done in one more place.
UPDATE privacy.subjects AS s SET report = s.report || %(done)s
 WHERE s.user_id = %(user_id)s;

-- finish --
UPDATE privacy.subjects AS s SET finished_at = now()
 WHERE s.user_id = ANY (%(users)s) AND s.finished_at IS NULL;

-- vacuum --
-- The old rows with their wrapped keys leave the table's file, too.
VACUUM (FULL) privacy.subjects;
