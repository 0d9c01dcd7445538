-- settled --
-- The last event before which nothing can come any more.
SELECT e.transaction_id, e.position FROM log.events AS e
 WHERE e.transaction_id < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
 ORDER BY e.transaction_id DESC, e.position DESC LIMIT 1;

-- newest --
-- The last event that is seen.
SELECT e.transaction_id, e.position FROM log.events AS e
 ORDER BY e.transaction_id DESC, e.position DESC LIMIT 1;

-- counted --
SELECT f.transaction_id FROM log.followers AS f WHERE f.follower = %(follower)s;

-- changed --
-- Agents and clusters that something happened to since an event.
SELECT DISTINCT CASE WHEN c.stream LIKE 'cluster:%%' THEN 'cluster' ELSE 'agent' END, c.id
  FROM (SELECT e.stream,
               CASE e.type WHEN 'guild_joined' THEN e.data ->> 'agent_id'
                           WHEN 'guild_founded' THEN e.data ->> 'founded_by'
                           ELSE substr(e.stream, strpos(e.stream, ':') + 1) END AS id
          FROM log.events AS e
         WHERE (e.transaction_id, e.position) > (%(transaction_id)s, %(position)s)
           AND (e.stream LIKE 'agent:%%' OR e.stream LIKE 'cluster:%%'
                OR e.type IN ('guild_joined', 'guild_founded'))) AS c;

-- loop_state --
SELECT l.loop_id, l.agent_id, l.emotional_tone,
       CASE WHEN pg_column_size(l.consciousness_state) <= %(bytes)s
            THEN l.consciousness_state END AS consciousness_state,
       l.blessed, l.fork_parent, l.fork_depth, l.created_at, l.version
  FROM soulfra.loops AS l
 WHERE l.dissolved_at IS NULL
 ORDER BY l.created_at DESC, l.loop_id
 LIMIT %(limit)s;

-- execution_queue --
SELECT p.kind, p.id, p.since, p.agent_id, p.loops
  FROM ((SELECT 'voting' AS kind, v.voting_id AS id, v.opened_at AS since,
                v.opened_by AS agent_id, ARRAY[v.loop_id] AS loops
           FROM soulfra.votings AS v WHERE v.status = 'open'
          ORDER BY v.opened_at LIMIT %(limit)s)
        UNION ALL
        (SELECT 'prophecy', f.id::text, f.created_at, f.author_agent, f.related_loops
           FROM soulfra.prophecies AS f WHERE f.fulfillment_status = 'pending'
          ORDER BY f.created_at LIMIT %(limit)s)) AS p
 ORDER BY p.since, p.kind, p.id
 LIMIT %(limit)s;

-- blessed_loops --
SELECT b.loop_id, b.id AS blessing_id, b.blessing_type, b.consensus_score::float8,
       b.timestamp AS blessed_at
  FROM (SELECT DISTINCT ON (n.loop_id) n.loop_id, n.id, n.blessing_type, n.consensus_score,
               n.timestamp
          FROM (SELECT s.loop_id, s.id, s.blessing_type, s.consensus_score, s.timestamp
                  FROM soulfra.blessings AS s ORDER BY s.id DESC LIMIT %(limit)s) AS n
         ORDER BY n.loop_id, n.id DESC) AS b
 ORDER BY b.id DESC;

-- blessings_told --
-- Whether there are more blessings than were looked at.
SELECT count(*) FROM (SELECT FROM soulfra.blessings LIMIT %(limit)s) AS b;

-- voting_active --
SELECT v.voting_id, v.loop_id, v.guild_id, v.opened_by, v.threshold::float8, v.quorum, v.opened_at,
       count(t.agent_id) FILTER (WHERE t.approves) AS yes,
       count(t.agent_id) FILTER (WHERE NOT t.approves) AS no
  FROM (SELECT o.voting_id, o.loop_id, o.guild_id, o.opened_by, o.threshold, o.quorum, o.opened_at
          FROM soulfra.votings AS o WHERE o.status = 'open'
         ORDER BY o.opened_at, o.voting_id LIMIT %(limit)s) AS v
  LEFT JOIN soulfra.votes AS t ON t.voting_id = v.voting_id
 GROUP BY v.voting_id, v.loop_id, v.guild_id, v.opened_by, v.threshold, v.quorum, v.opened_at
 ORDER BY v.opened_at, v.voting_id;

-- guild_consensus --
SELECT v.guild_id, v.voting_id, v.loop_id, v.status,
       count(t.agent_id) FILTER (WHERE t.approves) AS yes,
       count(t.agent_id) FILTER (WHERE NOT t.approves) AS no, v.closed_at
  FROM (SELECT o.guild_id, o.voting_id, o.loop_id, o.status, o.closed_at
          FROM soulfra.votings AS o WHERE o.guild_id IS NOT NULL AND o.closed_at IS NOT NULL
         ORDER BY o.closed_at DESC, o.voting_id LIMIT %(limit)s) AS v
  LEFT JOIN soulfra.votes AS t ON t.voting_id = v.voting_id
 GROUP BY v.guild_id, v.voting_id, v.loop_id, v.status, v.closed_at
 ORDER BY v.closed_at DESC, v.voting_id;

-- prophecies --
SELECT p.id, p.author_agent, p.fulfillment_status, p.created_at, p.fulfilled_at, p.related_loops
  FROM soulfra.prophecies AS p ORDER BY p.id DESC LIMIT %(limit)s;

-- blessings --
SELECT b.id, b.loop_id, b.voting_id, b.blessed_by, b.blessing_type, b.consensus_score::float8,
       b.timestamp
  FROM soulfra.blessings AS b ORDER BY b.id DESC LIMIT %(limit)s;

-- transformations --
SELECT t.id, t.change, t.loop_id, t.agent_id, t.from_value, t.to_value, t.changed_at
  FROM soulfra.transformations AS t ORDER BY t.id DESC LIMIT %(limit)s;

-- cluster_metrics --
SELECT count(*) FILTER (WHERE c.status = 'active') AS active,
       count(*) FILTER (WHERE c.status = 'dissolved') AS dissolved,
       count(*) FILTER (WHERE c.status = 'active' AND c.mythology IS NOT NULL) AS with_mythology,
       coalesce(sum(c.loops) FILTER (WHERE c.status = 'active'), 0)::bigint AS loops,
       coalesce(max(c.loops) FILTER (WHERE c.status = 'active'), 0) AS largest
  FROM (SELECT k.status, k.mythology, (SELECT count(*) FROM soulfra.cluster_loops AS l
                                        WHERE l.cluster_id = k.cluster_id) AS loops
          FROM soulfra.clusters AS k) AS c;

-- agents --
-- Those that are named.
SELECT a.agent_id, a.owner_id::text, a.archetype, a.current_tone, a.consciousness_score::float8,
       a.memory_depth, a.created_at, a.slot, a.version,
       ARRAY(SELECT m.guild_id FROM soulfra.guild_members AS m WHERE m.agent_id = a.agent_id
              ORDER BY m.guild_id LIMIT %(limit)s) AS guilds
  FROM soulfra.agents AS a
 WHERE a.agent_id = ANY (%(ids)s);

-- agents_after --
SELECT a.agent_id FROM soulfra.agents AS a
 WHERE a.agent_id > %(after)s ORDER BY a.agent_id LIMIT %(limit)s;

-- clusters --
-- Active ones of those that are named.
SELECT c.cluster_id, c.name, c.mythology, c.formed_at,
       ARRAY(SELECT l.loop_id FROM soulfra.cluster_loops AS l WHERE l.cluster_id = c.cluster_id
              ORDER BY l.loop_id) AS loops
  FROM soulfra.clusters AS c
 WHERE c.cluster_id = ANY (%(ids)s) AND c.status = 'active';

-- clusters_after --
SELECT c.cluster_id FROM soulfra.clusters AS c
 WHERE c.cluster_id > %(after)s AND c.status = 'active' ORDER BY c.cluster_id LIMIT %(limit)s;

-- months_of_chatlogs --
-- When the first was; null: there is none.
SELECT min(l.created_at) FROM soulfra.loops AS l;

-- months_of_mythology --
SELECT min(c.dissolved_at) FROM soulfra.clusters AS c
 WHERE c.status = 'dissolved' AND c.mythology IS NOT NULL;

-- months_of_dissolved_clusters --
SELECT min(c.dissolved_at) FROM soulfra.clusters AS c WHERE c.status = 'dissolved';

-- chatlogs --
SELECT l.created_at AS at, l.loop_id, l.creator_id::text, l.agent_id, l.whisper_origin AS whisper,
       l.emotional_tone
  FROM soulfra.loops AS l
 WHERE l.created_at >= %(first)s AND l.created_at < %(upto)s AND l.whisper_origin IS NOT NULL
 ORDER BY l.created_at, l.loop_id;

-- mythology --
SELECT c.dissolved_at AS at, c.cluster_id, c.name, c.mythology, c.formed_at
  FROM soulfra.clusters AS c
 WHERE c.dissolved_at >= %(first)s AND c.dissolved_at < %(upto)s AND c.mythology IS NOT NULL
 ORDER BY c.dissolved_at, c.cluster_id;

-- dissolved_clusters --
SELECT c.dissolved_at AS at, c.cluster_id, c.name, c.formed_at,
       ARRAY(SELECT l.loop_id FROM soulfra.cluster_loops AS l WHERE l.cluster_id = c.cluster_id
              ORDER BY l.loop_id) AS loops
  FROM soulfra.clusters AS c
 WHERE c.dissolved_at >= %(first)s AND c.dissolved_at < %(upto)s
 ORDER BY c.dissolved_at, c.cluster_id;
