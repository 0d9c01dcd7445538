-- last_rows_on_mac --
-- When governance last received a check-in and last wrote an audit line; one JSON object.
SELECT json_build_object(
    'core.agent_state',
    (SELECT received_at FROM core.agent_state ORDER BY state_id DESC LIMIT 1),
    'audit.events',
    (SELECT recorded_at FROM audit.events ORDER BY recorded_at DESC LIMIT 1));

-- last_rows_on_pi --
-- When the drawing loop last recorded a step, and how many check-ins wait; one JSON object.
SELECT json_object(
    'drawing_history',
    (SELECT timestamp FROM drawing_history ORDER BY id DESC LIMIT 1),
    'outbox_depth',
    (SELECT COUNT(*) FROM outbox),
    'rejected',
    (SELECT COUNT(*) FROM outbox_rejected),
    'missing',
    (SELECT COALESCE(SUM(count), 0) FROM outbox_gaps),
    'stripped',
    (SELECT COALESCE(SUM(stripped), 0) FROM outbox_gaps));
