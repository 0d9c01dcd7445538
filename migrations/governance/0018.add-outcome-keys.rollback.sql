-- Takes back the keys of outcomes, and lets kin settle again; the outcomes stay.
-- lossy: all rows of audit.outcome_keys: an outcome that is reported again is kept twice

CREATE OR REPLACE FUNCTION dialectic.settle(session text, at timestamptz) RETURNS text
    LANGUAGE plpgsql STRICT SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    dispute record;
    agent record;
    overruled boolean;
    target text;
BEGIN
    SELECT s.session_id, s.session_type, s.status, s.paused_agent_id, s.reviewer_agent_id,
           s.resolution_action, s.created_at, s.resume_at, s.settled_at, s.imported_json
      INTO dispute
      FROM dialectic.sessions AS s
     WHERE s.session_id = settle.session
       FOR UPDATE;
    IF NOT FOUND OR dispute.session_type <> 'recovery' OR dispute.resolution_action IS NULL
       OR dispute.status NOT IN ('resolved', 'escalated') OR dispute.imported_json IS NOT NULL
    THEN
        RETURN NULL;
    END IF;
    -- Once; a cooldown once more, when it is over.
    IF dispute.settled_at IS NOT NULL AND (dispute.resume_at IS NULL OR dispute.resume_at > at) THEN
        RETURN NULL;
    END IF;
    SELECT i.identity_id, i.status INTO STRICT agent
      FROM core.identities AS i
     WHERE i.agent_id = dispute.paused_agent_id
       FOR NO KEY UPDATE;
    -- A word of the operator that came later than the dispute stands.
    overruled := EXISTS (
        SELECT FROM core.lifecycle_events AS e
         WHERE e.identity_id = agent.identity_id AND e.role <> session_user
           AND e.occurred_at > dispute.created_at);
    IF overruled THEN
        target := NULL;
    ELSIF dispute.settled_at IS NOT NULL THEN
        target := 'active';
    ELSIF dispute.resolution_action IN ('resume', 'cooldown') THEN
        IF dispute.status <> 'resolved' OR 2 > (
            SELECT count(*)
              FROM (VALUES (1, dispute.paused_agent_id),
                           (2, dispute.reviewer_agent_id)) AS side (number, agent_id)
             WHERE (SELECT m.agrees FROM dialectic.messages AS m
                     WHERE m.session_id = dispute.session_id AND m.agent_id = side.agent_id
                       AND m.message_type = 'synthesis'
                     ORDER BY m.seq DESC LIMIT 1))
        THEN
            RAISE EXCEPTION 'dispute %: the two do not agree', dispute.session_id
                USING ERRCODE = 'check_violation';
        END IF;
        -- Nobody lifts a hold from itself.
        IF dispute.paused_agent_id = dispute.reviewer_agent_id AND agent.status = 'paused' THEN
            RAISE EXCEPTION 'dispute %: agent % is its own reviewer', dispute.session_id,
                dispute.paused_agent_id USING ERRCODE = 'check_violation';
        END IF;
        target := CASE dispute.resolution_action WHEN 'resume' THEN 'active' ELSE 'paused' END;
    ELSE
        target := 'paused';
    END IF;
    UPDATE dialectic.sessions AS s
       SET settled_at = coalesce(s.settled_at, clock_timestamp()),
           resume_at = CASE WHEN s.settled_at IS NULL AND NOT overruled THEN s.resume_at END
     WHERE s.session_id = dispute.session_id;
    -- What an operator archived, disabled or deleted stays so.
    UPDATE core.identities AS i
       SET status = target
     WHERE i.identity_id = agent.identity_id AND i.status <> target
       AND i.status IN ('active', 'waiting_input', 'paused')
       AND NOT (target = 'active' AND i.status = 'waiting_input');
    RETURN CASE WHEN FOUND THEN target END;
END
$$;

DROP TABLE audit.outcome_keys;
