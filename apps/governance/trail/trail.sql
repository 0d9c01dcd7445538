-- quick_commits --
-- What is lost of them was not said to be kept: rows and position go together and are read again.
SET synchronous_commit = off;

-- begin_position --
-- Where a trail that was never indexed begins.
INSERT INTO audit.positions (trail, first_seq, read_bytes, seq, hash)
VALUES (%(trail)s, 0, 0, 0, decode(repeat('00', 32), 'hex'))
ON CONFLICT (trail) DO NOTHING;

-- position --
-- How far a trail is indexed.
SELECT first_seq, read_bytes, seq, encode(hash, 'hex'), state_id, lifecycle_id
  FROM audit.positions
 WHERE trail = %(trail)s;

-- positions --
-- How far each trail is indexed.
SELECT trail, seq, encode(hash, 'hex') FROM audit.positions;

-- anchors --
-- The last lines of the days of a trail.
SELECT seq, day, encode(hash, 'hex') FROM audit.anchors WHERE trail = %(trail)s ORDER BY seq;

-- anchor --
-- Told once; who tells it again changes nothing.
INSERT INTO audit.anchors (trail, seq, day, hash)
VALUES (%(trail)s, %(seq)s, %(day)s, decode(%(hash)s, 'hex'))
ON CONFLICT (trail, seq) DO NOTHING;

-- index_audit_log --
-- Lines become rows, and are untold no more; gives how many, how many are past their time, and the
-- newest check-in and lifecycle event that the lines speak of.
WITH said AS (
    SELECT r.event_id, r.recorded_at, r.agent_id, r.event_type, r.payload, r.seq
      FROM json_to_recordset(%(lines)s::json) AS r (
           event_id uuid, recorded_at timestamptz, agent_id text, event_type text, payload jsonb,
           seq bigint)),
made AS (
    INSERT INTO audit.events (event_id, recorded_at, agent_id, event_type, payload)
    SELECT s.event_id, s.recorded_at, s.agent_id, s.event_type, s.payload
      FROM said AS s
     WHERE s.recorded_at >= now() - make_interval(days => %(keep_days)s)
    ON CONFLICT (recorded_at, event_id) DO NOTHING
    RETURNING 1),
told AS (
    DELETE FROM audit.untold AS u USING said AS s WHERE u.event_id = s.event_id),
known AS (
    SELECT max(s.seq) FILTER (WHERE s.payload ? 'state_id') AS check_in,
           max(s.seq) FILTER (WHERE s.payload ? 'lifecycle_id') AS lifecycle
      FROM said AS s
     WHERE s.event_type IN ('check_in', 'trail_opened'))
SELECT (SELECT count(*) FROM made),
       (SELECT count(*) FROM said AS s
         WHERE s.recorded_at < now() - make_interval(days => %(keep_days)s)),
       (SELECT (s.payload->>'state_id')::bigint FROM said AS s WHERE s.seq = known.check_in),
       (SELECT (s.payload->>'lifecycle_id')::bigint FROM said AS s WHERE s.seq = known.lifecycle)
  FROM known;

-- index_tool_usage --
-- Lines become rows; gives how many, and how many are past their time.
WITH said AS (
    SELECT r.usage_id, r.recorded_at, r.agent_id, r.tool_name, r.latency_ms, r.success,
           r.error_type, r.payload
      FROM json_to_recordset(%(lines)s::json) AS r (
           usage_id uuid, recorded_at timestamptz, agent_id text, tool_name text,
           latency_ms float8, success boolean, error_type text, payload jsonb)),
made AS (
    INSERT INTO audit.tool_usage (usage_id, recorded_at, agent_id, tool_name, latency_ms, success,
                                  error_type, payload)
    SELECT s.usage_id, s.recorded_at, s.agent_id, s.tool_name, s.latency_ms, s.success,
           s.error_type, s.payload
      FROM said AS s
     WHERE s.recorded_at >= now() - make_interval(days => %(keep_days)s)
    ON CONFLICT (recorded_at, usage_id) DO NOTHING
    RETURNING 1)
SELECT (SELECT count(*) FROM made),
       (SELECT count(*) FROM said AS s
         WHERE s.recorded_at < now() - make_interval(days => %(keep_days)s)),
       NULL::bigint, NULL::bigint;

-- move_position --
-- Only from where we thought it was: there is one follower.
UPDATE audit.positions
   SET first_seq = %(first_seq)s, read_bytes = %(read_bytes)s,
       seq = %(seq)s, hash = decode(%(hash)s, 'hex'),
       state_id = %(state_id)s, lifecycle_id = %(lifecycle_id)s, updated_at = now()
 WHERE trail = %(trail)s AND seq = %(before)s;

-- count_audit_log --
-- Rows by day, of the days that are whole.
SELECT (e.recorded_at AT TIME ZONE 'UTC')::date, count(*)
  FROM audit.events AS e
 WHERE e.recorded_at >= now() - make_interval(days => %(keep_days)s)
 GROUP BY 1;

-- count_tool_usage --
-- Rows by day, of the days that are whole.
SELECT (u.recorded_at AT TIME ZONE 'UTC')::date, count(*)
  FROM audit.tool_usage AS u
 WHERE u.recorded_at >= now() - make_interval(days => %(keep_days)s)
 GROUP BY 1;

-- make_months --
-- Rows of months that were gone get theirs back, so many a call; gives how many months it made.
SELECT audit.create_partitions(now());

-- events --
-- The trail of one agent or all, of one kind or all, the newest first; from a time on, before one,
-- and after the last of a page.
SELECT e.event_id, e.recorded_at, e.agent_id, e.event_type, e.payload
  FROM audit.events AS e
 WHERE (%(agent)s::text IS NULL OR e.agent_id = %(agent)s)
   AND (%(kind)s::text IS NULL OR e.event_type = %(kind)s)
   AND e.recorded_at >= coalesce(%(since)s::timestamptz, '-infinity')
   AND e.recorded_at < coalesce(%(until)s::timestamptz, 'infinity')
   AND (%(after_at)s::timestamptz IS NULL
        OR (e.recorded_at, e.event_id) < (%(after_at)s::timestamptz, %(after_id)s::uuid))
 ORDER BY e.recorded_at DESC, e.event_id DESC
 LIMIT %(limit)s;

-- newest --
-- The newest check-in, the newest lifecycle event and the newest event without a line.
SELECT coalesce((SELECT max(s.state_id) FROM core.agent_state AS s), 0),
       coalesce((SELECT max(l.event_id) FROM core.lifecycle_events AS l), 0),
       coalesce((SELECT max(u.untold_id) FROM audit.untold AS u), 0);

-- keep_untold --
-- Events of the change that this transaction is. They go when their lines are indexed.
INSERT INTO audit.untold (event_id, recorded_at, agent_id, event_type, payload)
SELECT r.event_id, r.recorded_at, r.agent_id, r.event_type, r.payload
  FROM jsonb_to_recordset(%(events)s::jsonb) AS r (
       event_id uuid, recorded_at timestamptz, agent_id text, event_type text, payload jsonb);

-- untold_events --
-- Events of changes that no line tells of, as they were kept; the oldest first.
SELECT u.event_id, u.recorded_at, u.agent_id, u.event_type, u.payload
  FROM audit.untold AS u
 WHERE u.untold_id > %(after)s AND u.untold_id <= %(upto)s
 ORDER BY u.untold_id;

-- untold_check_ins --
-- Check-ins that no line tells of, as their events would; the oldest first. Each is looked for by
-- its instant: LIMIT keeps Postgres from joining all the events of an agent instead.
SELECT i.agent_id, s.received_at, s.state_id, s.boot_id, s.seq, encode(s.body_sha256, 'hex'),
       s.action, s.margin, s.risk
  FROM core.agent_state AS s
  JOIN core.identities AS i ON i.identity_id = s.identity_id
 WHERE s.state_id > %(after)s AND s.state_id <= %(upto)s
   AND s.received_at > now() - interval '90 d'
   AND (SELECT true FROM audit.events AS e
         WHERE e.agent_id = i.agent_id AND e.recorded_at = s.received_at
           AND e.event_type = 'check_in'
           AND e.payload->>'boot_id' = s.boot_id AND (e.payload->>'seq')::bigint = s.seq
         LIMIT 1) IS NULL
 ORDER BY s.state_id;

-- untold_identities --
-- Agents that became known and that no line tells of; the oldest first.
SELECT i.agent_id, l.occurred_at
  FROM core.lifecycle_events AS l
  JOIN core.identities AS i ON i.identity_id = l.identity_id
 WHERE l.event_id > %(after)s AND l.event_id <= %(upto)s AND l.status_before IS NULL
   AND l.occurred_at > now() - interval '90 d'
   AND (SELECT true FROM audit.events AS e
         WHERE e.agent_id = i.agent_id AND e.event_type LIKE 'identity\_%%'
           AND e.recorded_at >= l.occurred_at - interval '1 h'
           AND e.recorded_at <= l.occurred_at + interval '1 h'
         LIMIT 1) IS NULL
 ORDER BY l.event_id;
