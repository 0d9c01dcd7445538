-- last_rows_on_mac --
-- When governance last received a check-in and last wrote an audit line; one JSON object.
SELECT json_build_object(
    'core.agent_state',
    (SELECT received_at FROM core.agent_state ORDER BY state_id DESC LIMIT 1),
    'audit.events',
    (SELECT recorded_at FROM audit.events ORDER BY recorded_at DESC LIMIT 1));

-- shard --
-- How a shard of soulfra's stands, as its superuser sees it; one JSON object.
SELECT json_build_object(
    'name', (SELECT p.name FROM shard.places AS p WHERE p.here),
    'version', (SELECT max(m.migration_id) FROM ledger._yoyo_migration AS m),
    'slots', (SELECT count(*) FROM shard.slots AS s WHERE s.state IN ('here', 'frozen')),
    'agents', (SELECT count(*)
                 FROM soulfra.agents AS a
                 JOIN shard.slots AS s ON s.slot = a.slot
                WHERE s.state IN ('here', 'frozen')),
    'behind', (SELECT json_object_agg(f.name, (
                          SELECT count(*) FROM log.events AS e
                           WHERE (e.transaction_id, e.position)
                                 > (coalesce(o.transaction_id, 0), coalesce(o.position, 0))))
                 FROM (VALUES ('drift'), ('transformations')) AS f (name)
                 LEFT JOIN log.followers AS o ON o.follower = f.name));

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
