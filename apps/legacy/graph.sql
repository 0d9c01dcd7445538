-- undrawn --
-- Disputes of another server that have no vertex yet.
CREATE TEMP TABLE undrawn ON COMMIT DROP AS
SELECT s.session_id, s.paused_agent_id, s.reviewer_agent_id,
       to_json(s.session_id)::text::ag_catalog.agtype AS key,
       json_build_object('id', s.session_id, 'status', s.status, 'phase', s.phase,
                         'created_at', s.created_at)::text::ag_catalog.agtype AS properties
  FROM dialectic.sessions AS s
 WHERE s.imported_json IS NOT NULL AND NOT EXISTS (
       SELECT FROM governance_graph."DialecticSession" AS v
        WHERE ag_catalog.agtype_access_operator(
                  VARIADIC ARRAY[v.properties, '"id"'::ag_catalog.agtype])
              OPERATOR(ag_catalog.=) to_json(s.session_id)::text::ag_catalog.agtype);

-- speakers --
-- Everybody who is named in them.
SELECT u.paused_agent_id FROM pg_temp.undrawn AS u
 UNION SELECT u.reviewer_agent_id FROM pg_temp.undrawn AS u WHERE u.reviewer_agent_id IS NOT NULL
 UNION SELECT m.agent_id FROM pg_temp.undrawn AS u
         JOIN dialectic.messages AS m ON m.session_id = u.session_id
 ORDER BY 1;

-- agents --
-- Their vertices.
CREATE TEMP TABLE speakers ON COMMIT DROP AS
SELECT a.agent, v.id
  FROM unnest(%(agents)s::text[]) AS a (agent)
  JOIN governance_graph."Agent" AS v
    ON ag_catalog.agtype_access_operator(VARIADIC ARRAY[v.properties, '"id"'::ag_catalog.agtype])
       OPERATOR(ag_catalog.=) to_json(a.agent)::text::ag_catalog.agtype;

-- draw_sessions --
INSERT INTO governance_graph."DialecticSession" (properties)
SELECT u.properties FROM pg_temp.undrawn AS u ORDER BY u.session_id;

-- drawn --
CREATE TEMP TABLE drawn ON COMMIT DROP AS
SELECT v.id, u.session_id, u.paused_agent_id, u.reviewer_agent_id
  FROM pg_temp.undrawn AS u
  JOIN governance_graph."DialecticSession" AS v
    ON ag_catalog.agtype_access_operator(VARIADIC ARRAY[v.properties, '"id"'::ag_catalog.agtype])
       OPERATOR(ag_catalog.=) u.key;

-- draw_paused --
INSERT INTO governance_graph."PAUSED_AGENT" (start_id, end_id)
SELECT d.id, s.id FROM pg_temp.drawn AS d
  JOIN pg_temp.speakers AS s ON s.agent = d.paused_agent_id;

-- draw_reviewers --
INSERT INTO governance_graph."REVIEWER" (start_id, end_id)
SELECT d.id, s.id FROM pg_temp.drawn AS d
  JOIN pg_temp.speakers AS s ON s.agent = d.reviewer_agent_id;

-- draw_messages --
INSERT INTO governance_graph."DialecticMessage" (properties)
SELECT json_build_object('id', m.message_id, 'seq', m.seq, 'type', m.message_type
       )::text::ag_catalog.agtype
  FROM pg_temp.drawn AS d
  JOIN dialectic.messages AS m ON m.session_id = d.session_id
 ORDER BY m.session_id, m.seq;

-- drawn_messages --
CREATE TEMP TABLE drawn_messages ON COMMIT DROP AS
SELECT v.id, d.id AS session, m.agent_id
  FROM pg_temp.drawn AS d
  JOIN dialectic.messages AS m ON m.session_id = d.session_id
  JOIN governance_graph."DialecticMessage" AS v
    ON ag_catalog.agtype_access_operator(VARIADIC ARRAY[v.properties, '"id"'::ag_catalog.agtype])
       OPERATOR(ag_catalog.=) to_json(m.message_id)::text::ag_catalog.agtype;

-- draw_has_message --
INSERT INTO governance_graph."HAS_MESSAGE" (start_id, end_id)
SELECT m.session, m.id FROM pg_temp.drawn_messages AS m;

-- draw_wrote --
INSERT INTO governance_graph."WROTE" (start_id, end_id)
SELECT s.id, m.id FROM pg_temp.drawn_messages AS m
  JOIN pg_temp.speakers AS s ON s.agent = m.agent_id;
