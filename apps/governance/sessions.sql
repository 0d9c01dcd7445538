-- session_agents --
-- Who each living session belongs to, and for how many seconds more.
SELECT session.session_id, identity.agent_id,
       extract(epoch FROM session.expires_at - now())::float8
  FROM core.sessions AS session
  JOIN core.identities AS identity ON identity.identity_id = session.identity_id
 WHERE session.session_id = ANY (%(session_ids)s::text[]) AND session.expires_at > now();

-- slide_sessions --
-- Living sessions that were used live on from now, told once a minute at most. Who is just being
-- written by a check-in needs no word of ours.
UPDATE core.sessions AS session
   SET last_active = now(), expires_at = now() + make_interval(secs => %(lifetime)s)
 WHERE session.session_id IN (
       SELECT s.session_id FROM core.sessions AS s
        WHERE s.session_id = ANY (%(session_ids)s::text[])
          AND s.expires_at > now() AND s.last_active < now() - interval '60 s'
        ORDER BY s.session_id
          FOR UPDATE SKIP LOCKED);

-- end_sessions --
-- All sessions of an agent.
DELETE FROM core.sessions AS session
 USING core.identities AS identity
 WHERE identity.identity_id = session.identity_id AND identity.agent_id = %(agent)s
RETURNING session.session_id;
