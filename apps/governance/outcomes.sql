-- last_two --
-- The state that came last and the one before it.
SELECT last.energy, last.integrity, last.entropy, last.void, last.coherence, last.regime,
       last.warmth, last.clarity, last.stability, last.presence
  FROM core.identities AS i
 CROSS JOIN LATERAL (
       SELECT s.energy, s.integrity, s.entropy, s.void, s.coherence, s.regime,
              s.warmth, s.clarity, s.stability, s.presence, s.state_id
         FROM core.agent_state AS s
        WHERE s.identity_id BETWEEN i.identity_id AND i.identity_id AND NOT s.late
        ORDER BY s.identity_id, s.state_id DESC
        LIMIT 2) AS last
 WHERE i.agent_id = %(agent)s
 ORDER BY last.state_id DESC;

-- keep_outcome --
-- What came of something.
INSERT INTO audit.outcome_events (
       outcome_id, recorded_at, agent_id, session_id, outcome_type, outcome_score, is_bad,
       energy, integrity, entropy, void, phi, verdict, coherence, regime, detail, confidence)
VALUES (%(outcome_id)s, %(recorded_at)s, %(agent_id)s, %(session_id)s, %(outcome_type)s,
       %(outcome_score)s, %(is_bad)s, %(energy)s, %(integrity)s, %(entropy)s, %(void)s, %(phi)s,
       %(verdict)s, %(coherence)s, %(regime)s, %(detail)s, %(confidence)s);

-- hold_key --
-- Until the transaction ends nobody else reports with this key.
SELECT pg_advisory_xact_lock(hashtextextended('outcome/' || %(agent)s || '/' || %(key)s, 0));

-- key --
-- What was reported with a key, and what was answered.
SELECT body_sha256, outcome_id, is_bad, confidence, verdict
  FROM audit.outcome_keys
 WHERE agent_id = %(agent)s AND idempotency_key = %(key)s;

-- keep_key --
-- An outcome that was reported with a key.
INSERT INTO audit.outcome_keys (
       agent_id, idempotency_key, body_sha256, outcome_id, recorded_at, is_bad, confidence, verdict)
VALUES (%(agent_id)s, %(key)s, %(body_sha256)s, %(outcome_id)s, %(recorded_at)s, %(is_bad)s,
       %(confidence)s, %(verdict)s);
