-- user --
SELECT json_build_object('id', u.id, 'username', u.username, 'created_at', u.created_at,
                         'subscription_tier', u.subscription_tier,
                         'emotional_credits', u.emotional_credits, 'version', u.version)
  FROM soulfra.users AS u WHERE u.id = %(id)s::uuid;

-- agent --
SELECT json_build_object('agent_id', a.agent_id, 'owner_id', a.owner_id, 'archetype', a.archetype,
                         'current_tone', a.current_tone,
                         'consciousness_score', a.consciousness_score,
                         'memory_depth', a.memory_depth, 'created_at', a.created_at,
                         'slot', a.slot, 'version', a.version)
  FROM soulfra.agents AS a WHERE a.agent_id = %(id)s;

-- loop --
SELECT json_build_object('loop_id', l.loop_id, 'creator_id', l.creator_id, 'agent_id', l.agent_id,
                         'whisper_origin', l.whisper_origin,
                         'consciousness_state', l.consciousness_state,
                         'emotional_tone', l.emotional_tone, 'created_at', l.created_at,
                         'blessed', l.blessed, 'fork_parent', l.fork_parent,
                         'fork_depth', l.fork_depth, 'dissolved_at', l.dissolved_at,
                         'version', l.version)
  FROM soulfra.loops AS l WHERE l.loop_id = %(id)s;

-- guild --
SELECT json_build_object('guild_id', g.guild_id, 'name', g.name, 'threshold', g.threshold,
                         'founded_by', g.founded_by, 'created_at', g.created_at,
                         'members', (SELECT count(*) FROM soulfra.guild_members AS m
                                      WHERE m.guild_id = g.guild_id))
  FROM soulfra.guilds AS g WHERE g.guild_id = %(id)s;

-- voting --
SELECT json_build_object('voting_id', v.voting_id, 'loop_id', v.loop_id, 'guild_id', v.guild_id,
                         'opened_by', v.opened_by, 'threshold', v.threshold, 'quorum', v.quorum,
                         'status', v.status, 'opened_at', v.opened_at, 'closed_at', v.closed_at,
                         'yes', (SELECT count(*) FROM soulfra.votes AS t
                                  WHERE t.voting_id = v.voting_id AND t.approves),
                         'no', (SELECT count(*) FROM soulfra.votes AS t
                                 WHERE t.voting_id = v.voting_id AND NOT t.approves))
  FROM soulfra.votings AS v WHERE v.voting_id = %(id)s;

-- prophecy --
SELECT json_build_object('id', p.id, 'prophecy_text', p.prophecy_text,
                         'author_agent', p.author_agent,
                         'fulfillment_status', p.fulfillment_status, 'created_at', p.created_at,
                         'fulfilled_at', p.fulfilled_at, 'related_loops', p.related_loops)
  FROM soulfra.prophecies AS p WHERE p.id = %(id)s::bigint;

-- cluster --
SELECT json_build_object('cluster_id', c.cluster_id, 'name', c.name, 'mythology', c.mythology,
                         'status', c.status, 'formed_at', c.formed_at,
                         'dissolved_at', c.dissolved_at,
                         'loops', (SELECT json_agg(l.loop_id ORDER BY l.loop_id)
                                     FROM soulfra.cluster_loops AS l
                                    WHERE l.cluster_id = c.cluster_id))
  FROM soulfra.clusters AS c WHERE c.cluster_id = %(id)s;

-- alive --
SELECT 1;
