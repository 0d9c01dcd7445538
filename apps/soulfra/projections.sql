-- user_registered --
INSERT INTO soulfra.users (
    id, username, email, created_at, subscription_tier, emotional_credits, version)
SELECT substr(e.stream, 6)::uuid, e.data ->> 'username', e.data ->> 'email', e.recorded_at,
       e.data ->> 'tier', 0, e.version
  FROM log.events AS e
 WHERE e.transaction_id BETWEEN %(first)s AND %(last)s AND e.type = 'user_registered';

-- credits_changed --
WITH entry AS (
    INSERT INTO soulfra.credit_entries (id, user_id, amount, cause, entered_at)
    SELECT e.position, substr(e.stream, 6)::uuid, (e.data ->> 'amount')::integer,
           e.data ->> 'cause', e.recorded_at
      FROM log.events AS e
     WHERE e.transaction_id BETWEEN %(first)s AND %(last)s AND e.type = 'credits_changed'
), moved AS (
    SELECT substr(e.stream, 6)::uuid AS id, sum((e.data ->> 'amount')::integer) AS amount,
           max(e.version) AS version
      FROM log.events AS e
     WHERE e.transaction_id BETWEEN %(first)s AND %(last)s AND e.type = 'credits_changed'
     GROUP BY e.stream
)
UPDATE soulfra.users AS u
   SET emotional_credits = u.emotional_credits + m.amount, version = m.version
  FROM moved AS m
 WHERE u.id = m.id;

-- agent_registered --
INSERT INTO soulfra.agents (
    agent_id, owner_id, archetype, current_tone, created_at, slot, version)
SELECT substr(e.stream, 7), (e.data ->> 'owner_id')::uuid, e.data ->> 'archetype',
       e.data ->> 'tone', e.recorded_at, (e.data ->> 'slot')::integer, e.version
  FROM log.events AS e
 WHERE e.transaction_id BETWEEN %(first)s AND %(last)s AND e.type = 'agent_registered';

-- loop_created --
WITH told AS (
    INSERT INTO soulfra.pii_tokens (user_id, token, sealed)
    SELECT DISTINCT ON (e.data ->> 'creator_id', t.token)
           (e.data ->> 'creator_id')::uuid, t.token, t.sealed
      FROM log.events AS e
     CROSS JOIN jsonb_each_text(e.data -> 'pii') AS t (token, sealed)
     WHERE e.transaction_id BETWEEN %(first)s AND %(last)s AND e.type = 'loop_created'
    ON CONFLICT (user_id, token) DO NOTHING
)
INSERT INTO soulfra.loops (
    loop_id, creator_id, agent_id, whisper_origin, emotional_tone, created_at, version)
SELECT substr(e.stream, 6), (e.data ->> 'creator_id')::uuid, e.data ->> 'agent_id',
       e.data ->> 'whisper', e.data ->> 'tone', (e.data ->> 'created_at')::timestamptz, e.version
  FROM log.events AS e
 WHERE e.transaction_id BETWEEN %(first)s AND %(last)s AND e.type = 'loop_created';

-- loop_owned --
WITH told AS (
    INSERT INTO soulfra.pii_tokens (user_id, token, sealed)
    SELECT DISTINCT ON (e.data ->> 'creator_id', t.token)
           (e.data ->> 'creator_id')::uuid, t.token, t.sealed
      FROM log.events AS e
     CROSS JOIN jsonb_each_text(e.data -> 'pii') AS t (token, sealed)
     WHERE e.transaction_id BETWEEN %(first)s AND %(last)s AND e.type = 'loop_owned'
    ON CONFLICT (user_id, token) DO NOTHING
), owned AS (
    INSERT INTO soulfra.loop_owners (loop_id, loop_created_at, creator_id, agent_id)
    SELECT substr(e.stream, 6), (e.data ->> 'loop_created_at')::timestamptz,
           (e.data ->> 'creator_id')::uuid, e.data ->> 'agent_id'
      FROM log.events AS e
     WHERE e.transaction_id BETWEEN %(first)s AND %(last)s AND e.type = 'loop_owned'
)
UPDATE soulfra.loops AS l
   SET version = greatest(l.version, e.version)
  FROM log.events AS e
 WHERE e.transaction_id BETWEEN %(first)s AND %(last)s AND e.type = 'loop_owned'
   AND l.loop_id = substr(e.stream, 6)
   AND l.created_at = (e.data ->> 'loop_created_at')::timestamptz;

-- loop_forked --
INSERT INTO soulfra.loops (
    loop_id, creator_id, agent_id, emotional_tone, created_at, fork_parent, fork_depth, version)
SELECT substr(e.stream, 6), (e.data ->> 'creator_id')::uuid, e.data ->> 'agent_id',
       e.data ->> 'tone', (e.data ->> 'created_at')::timestamptz, e.data ->> 'parent',
       (e.data ->> 'depth')::integer, e.version
  FROM log.events AS e
 WHERE e.transaction_id BETWEEN %(first)s AND %(last)s AND e.type = 'loop_forked';

-- agent_tone_shifted --
-- The last of each stream counts.
WITH shifted AS (
    SELECT DISTINCT ON (e.stream) substr(e.stream, 7) AS agent_id, e.data ->> 'after' AS tone,
           e.version
      FROM log.events AS e
     WHERE e.transaction_id BETWEEN %(first)s AND %(last)s AND e.type = 'tone_shifted'
       AND e.stream LIKE 'agent:%%'
     ORDER BY e.stream, e.version DESC
)
UPDATE soulfra.agents AS a
   SET current_tone = s.tone, version = greatest(a.version, s.version)
  FROM shifted AS s
 WHERE a.agent_id = s.agent_id;

-- loop_tone_shifted --
WITH shifted AS (
    SELECT DISTINCT ON (e.stream) substr(e.stream, 6) AS loop_id, e.data ->> 'after' AS tone,
           e.version
      FROM log.events AS e
     WHERE e.transaction_id BETWEEN %(first)s AND %(last)s AND e.type = 'tone_shifted'
       AND e.stream LIKE 'loop:%%'
     ORDER BY e.stream, e.version DESC
)
UPDATE soulfra.loops AS l
   SET emotional_tone = s.tone, version = greatest(l.version, s.version)
  FROM shifted AS s
 WHERE l.loop_id = s.loop_id;

-- loop_dissolved --
UPDATE soulfra.loops AS l
   SET dissolved_at = e.recorded_at, version = greatest(l.version, e.version)
  FROM log.events AS e
 WHERE e.transaction_id BETWEEN %(first)s AND %(last)s AND e.type = 'loop_dissolved'
   AND l.loop_id = substr(e.stream, 6);

-- agent_measured --
-- The last of each measure counts.
WITH measured AS (
    SELECT substr(e.stream, 7) AS agent_id, max(e.version) AS version,
           (array_agg((e.data ->> 'consciousness_score')::numeric ORDER BY e.version DESC)
            FILTER (WHERE e.data ->> 'consciousness_score' IS NOT NULL))[1] AS score,
           (array_agg((e.data ->> 'memory_depth')::integer ORDER BY e.version DESC)
            FILTER (WHERE e.data ->> 'memory_depth' IS NOT NULL))[1] AS depth
      FROM log.events AS e
     WHERE e.transaction_id BETWEEN %(first)s AND %(last)s AND e.type = 'agent_measured'
     GROUP BY e.stream
)
UPDATE soulfra.agents AS a
   SET consciousness_score = coalesce(m.score, a.consciousness_score),
       memory_depth = coalesce(m.depth, a.memory_depth), version = greatest(a.version, m.version)
  FROM measured AS m
 WHERE a.agent_id = m.agent_id;

-- loop_measured --
WITH measured AS (
    SELECT DISTINCT ON (e.stream) substr(e.stream, 6) AS loop_id, e.data -> 'consciousness' AS state,
           e.version
      FROM log.events AS e
     WHERE e.transaction_id BETWEEN %(first)s AND %(last)s AND e.type = 'loop_measured'
     ORDER BY e.stream, e.version DESC
)
UPDATE soulfra.loops AS l
   SET consciousness_state = m.state, version = greatest(l.version, m.version)
  FROM measured AS m
 WHERE l.loop_id = m.loop_id;

-- guild_founded --
WITH founded AS (
    INSERT INTO soulfra.guilds (guild_id, name, threshold, founded_by, created_at)
    SELECT substr(e.stream, 7), e.data ->> 'name', (e.data ->> 'threshold')::numeric,
           e.data ->> 'founded_by', e.recorded_at
      FROM log.events AS e
     WHERE e.transaction_id BETWEEN %(first)s AND %(last)s AND e.type = 'guild_founded'
    RETURNING guild_id, founded_by, created_at
)
INSERT INTO soulfra.guild_members (guild_id, agent_id, joined_at)
SELECT f.guild_id, f.founded_by, f.created_at FROM founded AS f;

-- guild_joined --
INSERT INTO soulfra.guild_members (guild_id, agent_id, joined_at)
SELECT substr(e.stream, 7), e.data ->> 'agent_id', e.recorded_at
  FROM log.events AS e
 WHERE e.transaction_id BETWEEN %(first)s AND %(last)s AND e.type = 'guild_joined';

-- voting_opened --
INSERT INTO soulfra.votings (
    voting_id, loop_id, loop_created_at, guild_id, opened_by, threshold, quorum, opened_at)
SELECT substr(e.stream, 8), e.data ->> 'loop_id', (e.data ->> 'loop_created_at')::timestamptz,
       e.data ->> 'guild_id', e.data ->> 'opened_by', (e.data ->> 'threshold')::numeric,
       (e.data ->> 'quorum')::integer, e.recorded_at
  FROM log.events AS e
 WHERE e.transaction_id BETWEEN %(first)s AND %(last)s AND e.type = 'voting_opened';

-- vote_cast --
INSERT INTO soulfra.votes (voting_id, agent_id, approves, cast_at)
SELECT substr(e.stream, 8), e.data ->> 'agent_id', (e.data ->> 'approves')::boolean, e.recorded_at
  FROM log.events AS e
 WHERE e.transaction_id BETWEEN %(first)s AND %(last)s AND e.type = 'vote_cast';

-- voting_closed --
UPDATE soulfra.votings AS v
   SET status = e.data ->> 'status', closed_at = e.recorded_at
  FROM log.events AS e
 WHERE e.transaction_id BETWEEN %(first)s AND %(last)s AND e.type = 'voting_closed'
   AND v.voting_id = substr(e.stream, 8);

-- blessing_granted --
WITH granted AS (
    INSERT INTO soulfra.blessings (
        id, loop_id, loop_created_at, voting_id, blessed_by, blessing_type, consensus_score,
        timestamp, metadata)
    OVERRIDING SYSTEM VALUE
    SELECT (e.data ->> 'blessing_id')::bigint, substr(e.stream, 6),
           (e.data ->> 'loop_created_at')::timestamptz, e.data ->> 'voting_id',
           e.data ->> 'blessed_by', e.data ->> 'blessing_type',
           (e.data ->> 'consensus_score')::numeric, e.recorded_at,
           (SELECT jsonb_build_object('yes', count(*) FILTER (WHERE v.approves),
                                      'no', count(*) FILTER (WHERE NOT v.approves))
              FROM soulfra.votes AS v WHERE v.voting_id = e.data ->> 'voting_id')
      FROM log.events AS e
     WHERE e.transaction_id BETWEEN %(first)s AND %(last)s AND e.type = 'blessing_granted'
), blessed AS (
    SELECT e.stream, max(e.version) AS version
      FROM log.events AS e
     WHERE e.transaction_id BETWEEN %(first)s AND %(last)s AND e.type = 'blessing_granted'
     GROUP BY e.stream
)
UPDATE soulfra.loops AS l
   SET blessed = true, version = greatest(l.version, b.version)
  FROM blessed AS b
 WHERE l.loop_id = substr(b.stream, 6);

-- prophecy_spoken --
WITH told AS (
    INSERT INTO soulfra.pii_tokens (user_id, token, sealed)
    SELECT DISTINCT ON (a.owner_id, t.token) a.owner_id, t.token, t.sealed
      FROM log.events AS e
      JOIN soulfra.agents AS a ON a.agent_id = e.data ->> 'author_agent'
     CROSS JOIN jsonb_each_text(e.data -> 'pii') AS t (token, sealed)
     WHERE e.transaction_id BETWEEN %(first)s AND %(last)s AND e.type = 'prophecy_spoken'
    ON CONFLICT (user_id, token) DO NOTHING
)
INSERT INTO soulfra.prophecies (id, prophecy_text, author_agent, created_at, related_loops)
OVERRIDING SYSTEM VALUE
SELECT substr(e.stream, 10)::bigint, e.data ->> 'text', e.data ->> 'author_agent', e.recorded_at,
       ARRAY(SELECT jsonb_array_elements_text(e.data -> 'related_loops'))
  FROM log.events AS e
 WHERE e.transaction_id BETWEEN %(first)s AND %(last)s AND e.type = 'prophecy_spoken';

-- prophecy_fulfilled --
UPDATE soulfra.prophecies AS p
   SET fulfillment_status = 'fulfilled', fulfilled_at = e.recorded_at
  FROM log.events AS e
 WHERE e.transaction_id BETWEEN %(first)s AND %(last)s AND e.type = 'prophecy_fulfilled'
   AND p.id = substr(e.stream, 10)::bigint;

-- cluster_formed --
WITH formed AS (
    INSERT INTO soulfra.clusters (cluster_id, name, mythology, formed_at)
    SELECT substr(e.stream, 9), e.data ->> 'name', e.data ->> 'mythology', e.recorded_at
      FROM log.events AS e
     WHERE e.transaction_id BETWEEN %(first)s AND %(last)s AND e.type = 'cluster_formed'
)
INSERT INTO soulfra.cluster_loops (cluster_id, loop_id, loop_created_at)
SELECT substr(e.stream, 9), l.loop_id, l.created_at
  FROM log.events AS e
 CROSS JOIN jsonb_to_recordset(e.data -> 'loops') AS l (loop_id text, created_at timestamptz)
 WHERE e.transaction_id BETWEEN %(first)s AND %(last)s AND e.type = 'cluster_formed';

-- cluster_dissolved --
UPDATE soulfra.clusters AS c
   SET status = 'dissolved', dissolved_at = e.recorded_at
  FROM log.events AS e
 WHERE e.transaction_id BETWEEN %(first)s AND %(last)s AND e.type = 'cluster_dissolved'
   AND c.cluster_id = substr(e.stream, 9);

-- user_forgotten --
-- After all that they said before. Nothing is added for them later: their life would go on.
WITH forgotten AS (
    SELECT substr(e.stream, 6)::uuid AS id, e.version, e.recorded_at
      FROM log.events AS e
     WHERE e.transaction_id BETWEEN %(first)s AND %(last)s AND e.type = 'user_forgotten'
), signed AS (
    UPDATE soulfra.loops AS l SET whisper_origin = NULL
      FROM forgotten AS f
     WHERE l.creator_id = f.id AND l.whisper_origin IS NOT NULL
), unsigned AS (
    UPDATE soulfra.loops AS l SET whisper_origin = NULL
      FROM forgotten AS f
      JOIN soulfra.loop_owners AS o ON o.creator_id = f.id
     WHERE l.loop_id = o.loop_id AND l.created_at = o.loop_created_at
), foretold AS (
    UPDATE soulfra.prophecies AS p SET prophecy_text = 'forgotten'
      FROM forgotten AS f
      JOIN soulfra.agents AS a ON a.owner_id = f.id
     WHERE p.author_agent = a.agent_id
), told AS (
    DELETE FROM soulfra.pii_tokens AS t USING forgotten AS f WHERE t.user_id = f.id
), destroyed AS (
    UPDATE privacy.subjects AS s
       SET wrapped = NULL, username_token = NULL, email_token = NULL, forgotten_at = f.recorded_at
      FROM forgotten AS f
     WHERE s.user_id = f.id AND s.forgotten_at IS NULL
)
UPDATE soulfra.users AS u
   SET username = 'forgotten:' || f.id, email = 'forgotten:' || f.id,
       version = greatest(u.version, f.version)
  FROM forgotten AS f
 WHERE u.id = f.id;

-- transformations --
-- Of every event that changed a loop or an agent, what it was and what it became.
INSERT INTO soulfra.transformations (
    id, change, loop_id, agent_id, from_value, to_value, changed_at)
SELECT e.position,
       CASE e.type WHEN 'loop_forked' THEN 'forked' WHEN 'loop_dissolved' THEN 'dissolved'
                   WHEN 'blessing_granted' THEN 'blessed' ELSE 'tone_shifted' END,
       CASE WHEN e.stream LIKE 'loop:%%' THEN substr(e.stream, 6) END,
       CASE WHEN e.stream LIKE 'agent:%%' THEN substr(e.stream, 7) END,
       CASE e.type WHEN 'loop_forked' THEN e.data ->> 'parent' ELSE e.data ->> 'before' END,
       CASE e.type WHEN 'loop_forked' THEN substr(e.stream, 6)
                   WHEN 'blessing_granted' THEN e.data ->> 'blessing_id'
                   ELSE e.data ->> 'after' END,
       e.recorded_at
  FROM log.events AS e
 WHERE e.transaction_id BETWEEN %(first)s AND %(last)s
   AND e.type IN ('tone_shifted', 'loop_forked', 'loop_dissolved', 'blessing_granted');
