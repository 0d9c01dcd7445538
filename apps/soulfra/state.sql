-- standing --
-- All that some commands look at, as one JSON object of one snapshot: what was done already, the
-- entities they name with what those lead to; and how far each life went, also of a loop whose row
-- is pruned.
WITH voting AS (
    SELECT v.voting_id, v.loop_id, v.guild_id, v.opened_by, v.threshold, v.quorum, v.status
      FROM soulfra.votings AS v
     WHERE v.voting_id = ANY (%(voting)s)
), loop AS (
    SELECT l.loop_id, coalesce(l.creator_id, o.creator_id) AS creator_id,
           coalesce(l.agent_id, o.agent_id) AS agent_id, l.emotional_tone, l.created_at,
           l.fork_depth, l.dissolved_at, l.blessed
      FROM soulfra.loops AS l
      LEFT JOIN soulfra.loop_owners AS o ON l.creator_id IS NULL AND o.loop_id = l.loop_id
     WHERE l.loop_id = ANY (%(loop)s || ARRAY(SELECT v.loop_id FROM voting AS v))
), agent AS (
    SELECT a.agent_id, a.owner_id, a.current_tone
      FROM soulfra.agents AS a
     WHERE a.agent_id = ANY (%(agent)s)
), person AS (
    SELECT u.id, u.emotional_credits
      FROM soulfra.users AS u
     WHERE u.id = ANY (%(user)s::uuid[] || ARRAY(SELECT a.owner_id FROM agent AS a)
                                        || ARRAY(SELECT l.creator_id FROM loop AS l))
), guild AS (
    SELECT g.guild_id, g.threshold
      FROM soulfra.guilds AS g
     WHERE g.guild_id = ANY (%(guild)s || ARRAY(SELECT v.guild_id FROM voting AS v
                                                 WHERE v.guild_id IS NOT NULL))
), prophecy AS (
    SELECT p.id, p.fulfillment_status FROM soulfra.prophecies AS p
     WHERE p.id = ANY (%(prophecy)s::bigint[])
), cluster AS (
    SELECT c.cluster_id, c.status FROM soulfra.clusters AS c WHERE c.cluster_id = ANY (%(cluster)s)
), entity (stream) AS (
    SELECT 'voting:' || n FROM unnest(%(voting)s::text[]) AS n
     UNION SELECT 'loop:' || n FROM unnest(%(loop)s::text[]) AS n
     UNION SELECT 'loop:' || l.loop_id FROM loop AS l
     UNION SELECT 'agent:' || n FROM unnest(%(agent)s::text[]) AS n
     UNION SELECT 'user:' || n FROM unnest(%(user)s::uuid[]) AS n
     UNION SELECT 'user:' || u.id FROM person AS u
     UNION SELECT 'guild:' || n FROM unnest(%(guild)s::text[]) AS n
     UNION SELECT 'guild:' || g.guild_id FROM guild AS g
     UNION SELECT 'prophecy:' || n FROM unnest(%(prophecy)s::bigint[]) AS n
     UNION SELECT 'cluster:' || n FROM unnest(%(cluster)s::text[]) AS n
)
SELECT json_build_object(
    'now', clock_timestamp(),
    'done', (SELECT json_agg(json_build_array(c.command_id, encode(c.body_sha256, 'hex'), c.answer))
               FROM log.commands AS c WHERE c.command_id = ANY (%(command)s::uuid[])),
    'versions', (SELECT json_object_agg(s.stream, l.version)
                   FROM entity AS s
                  CROSS JOIN LATERAL (SELECT e.version FROM log.events AS e
                                       WHERE e.stream = s.stream
                                       ORDER BY e.version DESC LIMIT 1) AS l),
    'users', (SELECT json_agg(json_build_array(u.id, u.emotional_credits)) FROM person AS u),
    'agents', (SELECT json_agg(json_build_array(a.agent_id, a.owner_id, a.current_tone))
                 FROM agent AS a),
    'loops', (SELECT json_agg(json_build_array(
                        l.loop_id, l.creator_id, l.agent_id, l.emotional_tone, l.created_at,
                        l.fork_depth, l.dissolved_at IS NOT NULL, l.blessed))
                FROM loop AS l),
    'guilds', (SELECT json_agg(json_build_array(g.guild_id, g.threshold)) FROM guild AS g),
    'guild_names', (SELECT json_agg(g.name) FROM soulfra.guilds AS g
                     WHERE g.name = ANY (%(guild_name)s)),
    'members', (SELECT json_agg(json_build_array(m.guild_id, m.agent_id))
                  FROM soulfra.guild_members AS m
                 WHERE m.agent_id = ANY (%(agent)s)
                   AND m.guild_id = ANY (ARRAY(SELECT g.guild_id FROM guild AS g))),
    'votings', (SELECT json_agg(json_build_array(
                        v.voting_id, v.loop_id, v.guild_id, v.opened_by, v.threshold, v.quorum,
                        v.status,
                        (SELECT count(*) FROM soulfra.votes AS t
                          WHERE t.voting_id = v.voting_id AND t.approves),
                        (SELECT count(*) FROM soulfra.votes AS t
                          WHERE t.voting_id = v.voting_id AND NOT t.approves),
                        (SELECT count(*) FROM soulfra.votes AS t
                           JOIN soulfra.agents AS a ON a.agent_id = t.agent_id
                          WHERE t.voting_id = v.voting_id AND t.approves
                            AND a.owner_id <> l.creator_id)))
                  FROM voting AS v
                  JOIN loop AS l ON l.loop_id = v.loop_id),
    'votes', (SELECT json_agg(json_build_array(t.voting_id, t.agent_id)) FROM soulfra.votes AS t
               WHERE t.voting_id = ANY (%(voting)s) AND t.agent_id = ANY (%(agent)s)),
    'prophecies', (SELECT json_agg(json_build_array(p.id, p.fulfillment_status))
                     FROM prophecy AS p),
    'clusters', (SELECT json_agg(json_build_array(c.cluster_id, c.status)) FROM cluster AS c)
);
