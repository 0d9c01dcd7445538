-- Takes back what is known of an agent's life beyond its present status.
-- lossy: all rows of core.lifecycle_events, and last_activity_at and spawn_reason of every agent

DROP TRIGGER identities_change ON core.identities;
DROP TRIGGER identities_begin ON core.identities;
DROP FUNCTION core.note_lifecycle();
DROP TABLE core.lifecycle_events;
DROP INDEX core.identities_parent_agent_id_idx;
ALTER TABLE core.identities DROP COLUMN spawn_reason;
ALTER TABLE core.identities DROP COLUMN last_activity_at;
