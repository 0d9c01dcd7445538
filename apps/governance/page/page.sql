-- counts --
-- How many agents there are, and how they do. %(fresh)s is how old a check-in may be, in seconds.
SELECT count(*) AS agents,
       count(*) FILTER (WHERE i.last_activity_at
                              > now() - make_interval(secs => %(fresh)s)) AS here,
       count(*) FILTER (WHERE i.status = 'paused') AS paused,
       max(i.last_activity_at) AS last_activity_at
  FROM core.identities AS i
 WHERE i.status NOT IN ('archived', 'deleted');

-- agents --
-- Those that were heard last, each with the state that came last. The text finds a part of a name.
SELECT i.identity_id, i.agent_id, i.status, i.label, i.last_activity_at,
       s.energy, s.integrity, s.entropy, s.void, s.coherence, s.risk,
       s.action, s.margin, s.nearest_edge, s.reason
  FROM (SELECT heard.identity_id, heard.agent_id, heard.status, heard.label,
               heard.last_activity_at
          FROM core.identities AS heard
         WHERE (%(everyone)s OR heard.status NOT IN ('archived', 'deleted'))
           AND (%(silent)s OR heard.last_activity_at IS NOT NULL)
           AND (%(sought)s = '' OR strpos(lower(heard.agent_id), lower(%(sought)s)) > 0
                OR strpos(lower(coalesce(heard.label, '')), lower(%(sought)s)) > 0)
         ORDER BY heard.last_activity_at DESC NULLS LAST, heard.identity_id DESC
         LIMIT %(limit)s OFFSET %(skip)s) AS i
  LEFT JOIN LATERAL (
       SELECT a.energy, a.integrity, a.entropy, a.void, a.coherence, a.risk,
              a.action, a.margin, a.nearest_edge, a.reason
         FROM core.agent_state AS a
        WHERE a.identity_id BETWEEN i.identity_id AND i.identity_id AND NOT a.late
        ORDER BY a.identity_id, a.state_id DESC
        LIMIT 1) AS s ON true
 ORDER BY i.last_activity_at DESC NULLS LAST, i.identity_id DESC;

-- agent --
-- One agent, with the state that came last.
SELECT i.identity_id, i.agent_id, i.status, i.label, i.purpose, i.notes, i.tags, i.created_at,
       i.last_activity_at, i.parent_agent_id, i.spawn_reason,
       s.recorded_at, s.energy, s.integrity, s.entropy, s.void, s.coherence, s.regime, s.risk,
       s.action, s.margin, s.nearest_edge, s.reason,
       s.warmth, s.clarity, s.stability, s.presence, s.state_json
  FROM core.identities AS i
  LEFT JOIN LATERAL (
       SELECT a.recorded_at, a.energy, a.integrity, a.entropy, a.void, a.coherence, a.regime,
              a.risk, a.action, a.margin, a.nearest_edge, a.reason,
              a.warmth, a.clarity, a.stability, a.presence, a.state_json
         FROM core.agent_state AS a
        WHERE a.identity_id BETWEEN i.identity_id AND i.identity_id AND NOT a.late
        ORDER BY a.identity_id, a.state_id DESC
        LIMIT 1) AS s ON true
 WHERE i.agent_id = %(agent)s;

-- children --
-- Whom an agent spawned.
SELECT i.agent_id, i.status, i.spawn_reason
  FROM core.identities AS i
 WHERE i.parent_agent_id = %(agent)s
 ORDER BY i.created_at DESC, i.identity_id DESC
 LIMIT %(limit)s;

-- lifecycle --
-- The statuses that an agent came to, the last one first.
SELECT e.occurred_at, e.status_before, e.status, e.role
  FROM core.lifecycle_events AS e
 WHERE e.identity_id = %(identity_id)s
 ORDER BY e.event_id DESC
 LIMIT %(limit)s;

-- series --
-- The last state of each step of time: one look into the index for each, however many rows lie
-- between. A step without a check-in is not there.
SELECT s.recorded_at, s.energy, s.integrity, s.entropy, s.void, s.coherence, s.risk, s.action,
       (s.drawing ->> 'E')::float8 AS drawing_energy,
       (s.drawing ->> 'I')::float8 AS drawing_integrity,
       (s.drawing ->> 'S')::float8 AS drawing_entropy,
       (s.drawing ->> 'V')::float8 AS drawing_void,
       (s.drawing ->> 'C')::float8 AS drawing_coherence
  FROM generate_series(%(since)s::timestamptz, %(until)s::timestamptz,
                       make_interval(secs => %(step)s)) AS edge (at)
 CROSS JOIN LATERAL (
       SELECT a.recorded_at, a.energy, a.integrity, a.entropy, a.void, a.coherence, a.risk,
              a.action, a.state_json -> 'drawing_eisv' AS drawing
         FROM core.agent_state AS a
        WHERE a.identity_id = %(identity_id)s AND NOT a.late
          AND a.recorded_at >= edge.at
          AND a.recorded_at < edge.at + make_interval(secs => %(step)s)
        ORDER BY a.recorded_at DESC
        LIMIT 1) AS s
 ORDER BY edge.at;

-- verdicts --
-- The newest of %(depth)s check-ins: all, or those with one action.
SELECT v.state_id, i.agent_id, v.received_at, v.action, v.margin, v.nearest_edge, v.reason,
       v.risk, v.coherence, v.void, v.late
  FROM (SELECT a.state_id, a.identity_id, a.received_at, a.action, a.margin, a.nearest_edge,
               a.reason, a.risk, a.coherence, a.void, a.late
          FROM core.agent_state AS a
         WHERE a.state_id < %(before)s
         ORDER BY a.state_id DESC
         LIMIT %(depth)s) AS v
  JOIN core.identities AS i ON i.identity_id = v.identity_id
 WHERE %(action)s = '' OR v.action = %(action)s
 ORDER BY v.state_id DESC
 LIMIT %(limit)s;

-- verdicts_end --
-- The last check-in that a look back sees; none when it sees them all.
SELECT a.state_id
  FROM core.agent_state AS a
 WHERE a.state_id < %(before)s
 ORDER BY a.state_id DESC
 LIMIT 1 OFFSET %(depth)s - 1;

-- verdicts_of --
-- The newest of one agent; a late one is not among them.
SELECT a.state_id, %(agent)s AS agent_id, a.received_at, a.action, a.margin, a.nearest_edge,
       a.reason, a.risk, a.coherence, a.void, a.late
  FROM core.agent_state AS a
 WHERE a.identity_id BETWEEN %(identity_id)s AND %(identity_id)s AND NOT a.late
   AND a.state_id < %(before)s
 ORDER BY a.identity_id, a.state_id DESC
 LIMIT %(limit)s;

-- audit --
-- The newest of the trail before an instant; of %(depth)s rows those of one type.
SELECT e.event_id, e.recorded_at, e.agent_id, e.event_type, e.payload
  FROM (SELECT a.event_id, a.recorded_at, a.agent_id, a.event_type, a.payload
          FROM audit.events AS a
         WHERE (a.recorded_at, a.event_id) < (%(before)s, %(before_id)s)
         ORDER BY a.recorded_at DESC, a.event_id DESC
         LIMIT %(depth)s) AS e
 WHERE %(only)s = '' OR e.event_type = %(only)s
 ORDER BY e.recorded_at DESC, e.event_id DESC
 LIMIT %(limit)s;

-- audit_end --
-- The last line that a look back sees; none when it sees them all.
SELECT a.recorded_at, a.event_id
  FROM audit.events AS a
 WHERE (a.recorded_at, a.event_id) < (%(before)s, %(before_id)s)
 ORDER BY a.recorded_at DESC, a.event_id DESC
 LIMIT 1 OFFSET %(depth)s - 1;

-- audit_of --
-- The same, of one agent.
SELECT e.event_id, e.recorded_at, e.agent_id, e.event_type, e.payload
  FROM (SELECT a.event_id, a.recorded_at, a.agent_id, a.event_type, a.payload
          FROM audit.events AS a
         WHERE a.agent_id BETWEEN %(agent)s AND %(agent)s AND a.recorded_at <= %(before)s
           AND (a.recorded_at, a.event_id) < (%(before)s, %(before_id)s)
         ORDER BY a.agent_id, a.recorded_at DESC, a.event_id DESC
         LIMIT %(depth)s) AS e
 WHERE %(only)s = '' OR e.event_type = %(only)s
 ORDER BY e.recorded_at DESC, e.event_id DESC
 LIMIT %(limit)s;

-- audit_end_of --
-- The same, of one agent.
SELECT a.recorded_at, a.event_id
  FROM audit.events AS a
 WHERE a.agent_id BETWEEN %(agent)s AND %(agent)s AND a.recorded_at <= %(before)s
   AND (a.recorded_at, a.event_id) < (%(before)s, %(before_id)s)
 ORDER BY a.agent_id, a.recorded_at DESC, a.event_id DESC
 LIMIT 1 OFFSET %(depth)s - 1;

-- news --
-- What is newest of each kind, by indexes alone: whoever watches compares it with what was.
SELECT (SELECT max(a.state_id) FROM core.agent_state AS a) AS states,
       (SELECT max(e.recorded_at) FROM audit.events AS e) AS audit,
       (SELECT max(d.created_at) FROM core.discoveries AS d) AS knowledge,
       (SELECT max(m.message_id) FROM dialectic.messages AS m) AS disputes,
       (SELECT max(l.event_id) FROM core.lifecycle_events AS l) AS lives;
