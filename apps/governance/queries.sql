-- standing --
-- For each check-in: its agent, the same key if it is stored, whether a higher seq of its boot
-- came before it and whether any did, the state that came last, and the number of the one stored.
-- A range of one agent, in an index's order, is found in that index; an equality may be sought
-- among everybody's rows, with a plan of when the table was small (test_plans.py).
SELECT asked.place, identity.identity_id, identity.status,
       known.body_sha256, known.energy, known.integrity, known.entropy, known.void,
       known.coherence, known.risk, known.action, known.margin, known.nearest_edge, known.reason,
       known.late,
       coalesce(highest.seq > asked.seq, false) AS late, highest.seq IS NOT NULL AS heard,
       before.energy, before.integrity, before.entropy, before.void,
       before.warmth, before.clarity, before.stability, before.presence,
       before.boot_id, before.seq, before.recorded_at,
       known.state_id
  FROM jsonb_to_recordset(%(asked)s::jsonb)
       AS asked (place integer, agent text, boot_id text, seq bigint)
  LEFT JOIN core.identities AS identity ON identity.agent_id = asked.agent
  LEFT JOIN LATERAL (
       SELECT s.body_sha256, s.energy, s.integrity, s.entropy, s.void, s.coherence, s.risk,
              s.action, s.margin, s.nearest_edge, s.reason, s.late, s.state_id
         FROM core.agent_state AS s
        WHERE s.identity_id BETWEEN identity.identity_id AND identity.identity_id
          AND s.boot_id = asked.boot_id AND s.seq = asked.seq
        ORDER BY s.identity_id, s.boot_id, s.seq
        LIMIT 1) AS known ON true
  LEFT JOIN LATERAL (
       SELECT s.seq
         FROM core.agent_state AS s
        WHERE s.identity_id BETWEEN identity.identity_id AND identity.identity_id
          AND s.boot_id = asked.boot_id
        ORDER BY s.identity_id DESC, s.boot_id DESC, s.seq DESC
        LIMIT 1) AS highest ON true
  LEFT JOIN LATERAL (
       SELECT s.energy, s.integrity, s.entropy, s.void,
              s.warmth, s.clarity, s.stability, s.presence, s.boot_id, s.seq, s.recorded_at
         FROM core.agent_state AS s
        WHERE s.identity_id BETWEEN identity.identity_id AND identity.identity_id AND NOT s.late
        ORDER BY s.identity_id, s.state_id DESC
        LIMIT 1) AS before ON true
 ORDER BY asked.place;

-- create_identities --
-- Agents that are new; gives those that this very statement made.
INSERT INTO core.identities (agent_id)
SELECT DISTINCT asked.agent FROM unnest(%(agents)s::text[]) AS asked (agent)
ON CONFLICT (agent_id) DO NOTHING
RETURNING agent_id;

-- append_states --
-- A whole batch, numbered in the order it came; a key that is already there fails it. Gives the
-- numbers; none, and nothing is written, if an agent is not as its first row remembers it: its
-- status, and the newest of its rows that is not late. An agent is noted as heard to a quarter of
-- a minute: a second version of its row for every check-in would cost more than the check-in.
WITH r AS MATERIALIZED (
SELECT place, identity_id, boot_id, seq, body_sha256, recorded_at, received_at, late,
       energy, integrity, entropy, void, coherence, regime, health, risk,
       action, margin, nearest_edge, reason,
       reported_energy, reported_integrity, reported_entropy, reported_void,
       warmth, clarity, stability, presence, state_json, status, after_id
  FROM json_to_recordset(%(rows)s::json) AS told (
       place integer, identity_id bigint, boot_id text, seq bigint, body_sha256 text,
       recorded_at timestamptz, received_at timestamptz, late boolean,
       energy float8, integrity float8, entropy float8, void float8, coherence float8,
       regime text, health text, risk float8,
       action text, margin text, nearest_edge text, reason text,
       reported_energy float8, reported_integrity float8, reported_entropy float8,
       reported_void float8,
       warmth float8, clarity float8, stability float8, presence float8, state_json jsonb,
       status text, after_id bigint)),
stale AS (
SELECT 1
  FROM r
  JOIN core.identities AS i ON i.identity_id = r.identity_id
 WHERE r.after_id IS NOT NULL
   AND (i.status <> r.status
        OR r.after_id < (SELECT s.state_id FROM core.agent_state AS s
                          WHERE s.identity_id BETWEEN r.identity_id AND r.identity_id
                            AND NOT s.late
                          ORDER BY s.identity_id, s.state_id DESC LIMIT 1))),
stored AS (
INSERT INTO core.agent_state (
       identity_id, boot_id, seq, body_sha256, recorded_at, received_at, late,
       energy, integrity, entropy, void, coherence, regime, health, risk,
       action, margin, nearest_edge, reason,
       reported_energy, reported_integrity, reported_entropy, reported_void,
       warmth, clarity, stability, presence, state_json)
SELECT r.identity_id, r.boot_id, r.seq, decode(r.body_sha256, 'hex'),
       r.recorded_at, r.received_at, r.late,
       r.energy, r.integrity, r.entropy, r.void, r.coherence, r.regime, r.health,
       r.risk, r.action, r.margin, r.nearest_edge, r.reason,
       r.reported_energy, r.reported_integrity, r.reported_entropy, r.reported_void,
       r.warmth, r.clarity, r.stability, r.presence, r.state_json
  FROM r
 WHERE NOT EXISTS (SELECT 1 FROM stale)
 ORDER BY r.place
RETURNING state_id, identity_id, received_at),
known AS (
UPDATE core.identities AS i
   SET last_activity_at = heard.at
  FROM (SELECT s.identity_id, max(s.received_at) AS at FROM stored AS s GROUP BY 1) AS heard
 WHERE i.identity_id = heard.identity_id
   AND (i.last_activity_at IS NULL OR i.last_activity_at < heard.at - interval '15 s'))
SELECT s.state_id FROM stored AS s ORDER BY s.state_id;

-- touch_sessions --
-- Bind new and expired sessions; keep those of the same agent alive, once a minute at most.
-- Gives the bindings it wrote: another agent's living session is not among them.
INSERT INTO core.sessions (session_id, identity_id, created_at, last_active, expires_at)
SELECT r.session_id, identity.identity_id, r.at, r.at,
       r.at + make_interval(secs => %(lifetime)s)
  FROM jsonb_to_recordset(%(sessions)s::jsonb) AS r (session_id text, agent text, at timestamptz)
  JOIN core.identities AS identity ON identity.agent_id = r.agent
ON CONFLICT (session_id) DO UPDATE
   SET identity_id = excluded.identity_id,
       created_at = CASE WHEN core.sessions.expires_at <= excluded.last_active
                         THEN excluded.created_at ELSE core.sessions.created_at END,
       last_active = excluded.last_active, expires_at = excluded.expires_at
 WHERE core.sessions.expires_at <= excluded.last_active
    OR (core.sessions.identity_id = excluded.identity_id
        AND core.sessions.last_active < excluded.last_active - interval '60 s')
RETURNING session_id,
          (SELECT i.agent_id FROM core.identities AS i
            WHERE i.identity_id = core.sessions.identity_id);

-- sweep_sessions --
-- Some of the sessions that are over, the oldest first.
DELETE FROM core.sessions AS session
 WHERE session.session_id IN (
       SELECT s.session_id FROM core.sessions AS s
        WHERE s.expires_at <= now() ORDER BY s.expires_at LIMIT %(limit)s);

-- describe_identity --
-- What an agent says of itself; keys it does not send stay as they are.
UPDATE core.identities
   SET label = coalesce(%(label)s, label),
       purpose = coalesce(%(purpose)s, purpose),
       notes = coalesce(%(notes)s, notes),
       tags = coalesce(%(tags)s::text[], tags),
       metadata = metadata || %(metadata)s::jsonb,
       updated_at = now()
 WHERE agent_id = %(agent)s
RETURNING agent_id, status;

-- identity --
-- One agent as governance knows it.
SELECT agent_id, status, label, purpose, created_at
  FROM core.identities
 WHERE agent_id = %(agent)s;

-- calibration --
-- The thresholds of a verdict.
SELECT data FROM core.calibration;

-- strays --
-- Rows that no month was made for, at most 1000 of each table.
SELECT sum(state.strays) FROM audit.partition_state() AS state;

-- maintain_partitions --
-- Makes the months ahead, commits, then retires those past their time: not inside a transaction.
CALL audit.partition_maintenance();

-- retired --
-- Months that were taken out of their table and have not been dropped, the oldest first.
SELECT part, from_at, upto_at
  FROM audit.retired
 WHERE dropped_at IS NULL
 ORDER BY upto_at, retired_id;

-- drop_retired --
-- Refused unless the archive has as many rows.
SELECT audit.drop_retired(%(part)s, %(rows)s, %(sha256)s);
