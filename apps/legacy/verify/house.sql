-- functions --
-- An instant and a number as canonical text; they end with the session.
CREATE OR REPLACE FUNCTION pg_temp.told(at timestamptz) RETURNS text
    LANGUAGE sql STABLE
    RETURN to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
CREATE OR REPLACE FUNCTION pg_temp.told(n double precision) RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN encode(float8send(n), 'hex');

-- run --
-- The zone of a directory, and whether its backfill came to its end.
SELECT zone, finished_at IS NOT NULL FROM legacy.runs WHERE directory = %(directory)s;

-- others --
-- Whether other directories were brought here, too: then what is left over may be theirs.
SELECT count(*) FROM legacy.runs WHERE directory <> %(directory)s;

-- rejected_of --
-- Whether any row of a part was not taken.
SELECT EXISTS (SELECT FROM legacy.rejected WHERE file = %(file)s AND part = %(part)s);

-- rejected_among --
-- Those of these keys that were not taken.
SELECT old_key FROM legacy.rejected
 WHERE file = %(file)s AND part = %(part)s AND old_key = ANY (%(keys)s);

-- all_rejected --
-- Everything of a directory that was not taken.
SELECT file, part, old_key FROM legacy.rejected
 WHERE starts_with(file, %(directory)s) ORDER BY file, part, old_key;

-- core_identities --
-- An agent that checked in here may have said more of itself since.
SELECT i.agent_id, i.status, pg_temp.told(i.created_at), pg_temp.told(i.updated_at),
       i.parent_agent_id, i.label, i.purpose, i.notes, to_json(i.tags)::text, i.metadata::text,
       pg_temp.told(i.last_activity_at), i.spawn_reason, false,
       EXISTS (SELECT FROM core.agent_state AS s WHERE s.identity_id = i.identity_id)
  FROM core.identities AS i;

-- core_sessions --
SELECT s.session_id, i.agent_id, pg_temp.told(s.created_at), pg_temp.told(s.last_active),
       pg_temp.told(s.expires_at), s.metadata::text, false, false
  FROM core.sessions AS s
  JOIN core.identities AS i ON i.identity_id = s.identity_id;

-- legacy_agent_state --
SELECT i.agent_id, pg_temp.told(s.recorded_at), s.seq::text, pg_temp.told(s.energy),
       pg_temp.told(s.integrity), pg_temp.told(s.entropy), pg_temp.told(s.void),
       pg_temp.told(s.coherence), s.regime, s.state_json::text, true, false
  FROM legacy.agent_state AS s
  JOIN core.identities AS i ON i.identity_id = s.identity_id;

-- core_discoveries --
-- A measured EISV is the house's own, and how a file told it that was loaded here.
SELECT d.discovery_id, d.agent_id, d.type, d.severity, d.status, pg_temp.told(d.created_at),
       pg_temp.told(d.updated_at), pg_temp.told(d.resolved_at), d.summary, d.details,
       to_json(d.references_files)::text, d.response_to, d.response_type,
       pg_temp.told(d.confidence), d.provenance::text, d.provenance_chain::text, d.superseded_by,
       (d.metadata - 'told'::text)::text, d.metadata ? 'beside', false
  FROM core.discoveries AS d;

-- core_discovery_tags --
SELECT t.discovery_id, t.tag, pg_temp.told(t.created_at), false, false
  FROM core.discovery_tags AS t;

-- core_discovery_links --
SELECT l.discovery_id, l.related_id, pg_temp.told(l.created_at), false, false
  FROM core.discovery_links AS l;

-- dialectic_sessions --
SELECT s.session_id, s.session_type, s.phase, s.status, s.paused_agent_id, s.reviewer_agent_id,
       s.topic, s.reason, s.discovery_id, s.dispute_type, s.synthesis_round::text,
       s.max_synthesis_rounds::text, s.paused_agent_state_json::text, s.resolution_action,
       s.resolution_json::text, pg_temp.told(s.created_at), pg_temp.told(s.updated_at),
       pg_temp.told(s.resolved_at), pg_temp.told(s.deadline_at), pg_temp.told(s.resume_at),
       pg_temp.told(s.settled_at), s.imported_json::text, s.imported_json IS NOT NULL, false
  FROM dialectic.sessions AS s;

-- dialectic_messages --
SELECT m.session_id, m.seq::text, m.agent_id, m.message_type, pg_temp.told(m.recorded_at),
       m.root_cause, m.proposed_conditions::text, m.reasoning, m.observed_metrics::text,
       m.concerns::text, m.agrees::text, m.proposed_action, m.signature, m.imported_json::text,
       m.imported_json IS NOT NULL, false
  FROM dialectic.messages AS m;

-- core_calibration_versions --
-- Those before the first of the house.
SELECT pg_temp.told(v.made_at), v.data::text, true, false
  FROM core.calibration_versions AS v
 WHERE v.version < 1;

-- audit_events --
-- What an old store told keeps beside what has no column, or an id that was made of it.
SELECT pg_temp.told(e.recorded_at), e.event_id::text, e.agent_id, e.event_type, e.payload::text,
       e.payload ? 'beside' OR substr(e.event_id::text, 15, 1) = '5', false
  FROM audit.events AS e
 WHERE %(at)s::timestamptz IS NULL OR e.recorded_at = %(at)s;

-- audit_tool_usage --
SELECT pg_temp.told(u.recorded_at), u.usage_id::text, u.agent_id, u.session_id, u.tool_name,
       pg_temp.told(u.latency_ms), u.success::text, u.error_type, u.payload::text,
       u.payload ? 'beside' OR substr(u.usage_id::text, 15, 1) = '5', false
  FROM audit.tool_usage AS u
 WHERE %(at)s::timestamptz IS NULL OR u.recorded_at = %(at)s;
