-- An outcome that is reported again is kept once; and no kin of an agent lifts a pause from it.
-- Depends on 0004 and 0014.
-- ensure: SELECT count(*) = 1 FROM pg_catalog.pg_index WHERE indexrelid = 'audit.outcome_keys_pkey'::regclass
-- ensure: SELECT prosrc LIKE '%or its kin%' FROM pg_catalog.pg_proc WHERE oid = 'dialectic.settle(text, timestamptz)'::regprocedure

-- Beside the outcomes: they are cut by month, and a key is unique for ever.
CREATE TABLE audit.outcome_keys (
    agent_id        text NOT NULL,
    idempotency_key text NOT NULL,
    body_sha256     bytea NOT NULL
                    CONSTRAINT outcome_keys_body_sha256_check CHECK (length(body_sha256) = 32),
    outcome_id      uuid NOT NULL,
    recorded_at     timestamptz NOT NULL,
    is_bad          boolean NOT NULL,
    confidence      double precision
                    CONSTRAINT outcome_keys_confidence_check
                    CHECK (confidence >= 0 AND confidence <= 1),
    verdict         text
                    CONSTRAINT outcome_keys_verdict_check
                    CHECK (verdict IN ('safe', 'caution', 'high-risk')),
    PRIMARY KEY (agent_id, idempotency_key)
);

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
        -- Nobody lifts a hold from itself, nor does its kin: an agent makes its children itself.
        IF agent.status = 'paused' AND EXISTS (
            WITH RECURSIVE line (side, agent_id) AS (
                VALUES (1, dispute.paused_agent_id), (2, dispute.reviewer_agent_id)
                 UNION
                SELECT l.side, i.parent_agent_id
                  FROM line AS l
                  JOIN core.identities AS i ON i.agent_id = l.agent_id
                 WHERE i.parent_agent_id IS NOT NULL)
            SELECT FROM line AS l GROUP BY l.agent_id HAVING count(*) = 2)
        THEN
            RAISE EXCEPTION 'dispute %: reviewer % is agent % or its kin', dispute.session_id,
                dispute.reviewer_agent_id, dispute.paused_agent_id
                USING ERRCODE = 'check_violation';
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
