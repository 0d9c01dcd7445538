-- When an agent was last heard, why it was spawned, and every status it came to.
-- Depends on 0001.
-- ensure: SELECT count(*) = 2 FROM pg_catalog.pg_trigger WHERE tgrelid = 'core.identities'::regclass AND NOT tgisinternal
-- ensure: SELECT NOT EXISTS (SELECT FROM core.identities i WHERE NOT EXISTS (SELECT FROM core.lifecycle_events e WHERE e.identity_id = i.identity_id AND e.status = i.status))

ALTER TABLE core.identities ADD COLUMN last_activity_at timestamptz;
ALTER TABLE core.identities ADD COLUMN spawn_reason text;
CREATE INDEX identities_parent_agent_id_idx ON core.identities (parent_agent_id);

CREATE TABLE core.lifecycle_events (
    event_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    identity_id   bigint NOT NULL REFERENCES core.identities (identity_id) ON DELETE CASCADE,
    occurred_at   timestamptz NOT NULL DEFAULT now(),
    status_before text
                  CONSTRAINT lifecycle_events_status_before_check
                  CHECK (status_before IN ('active', 'paused', 'archived', 'disabled', 'deleted',
                      'waiting_input')),
    status        text NOT NULL
                  CONSTRAINT lifecycle_events_status_check
                  CHECK (status IN ('active', 'paused', 'archived', 'disabled', 'deleted',
                      'waiting_input')),
    role          text NOT NULL
);
CREATE INDEX lifecycle_events_identity_id_event_id_idx
    ON core.lifecycle_events (identity_id, event_id DESC);

-- Who was there before this table was: the status it has is the first one we know.
INSERT INTO core.lifecycle_events (identity_id, status, role)
SELECT identity_id, status, current_user FROM core.identities ORDER BY identity_id;

UPDATE core.identities AS i
   SET last_activity_at = (SELECT max(s.received_at) FROM core.agent_state AS s
                            WHERE s.identity_id = i.identity_id);

CREATE FUNCTION core.note_lifecycle() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO core.lifecycle_events (identity_id, status_before, status, role)
    VALUES (NEW.identity_id, CASE TG_OP WHEN 'UPDATE' THEN OLD.status END, NEW.status,
            session_user);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION core.note_lifecycle() IS
    'Writes core.lifecycle_events: whoever changes a status, by whatever means, is told of.';

CREATE TRIGGER identities_begin AFTER INSERT ON core.identities
    FOR EACH ROW EXECUTE FUNCTION core.note_lifecycle();
CREATE TRIGGER identities_change AFTER UPDATE OF status ON core.identities
    FOR EACH ROW WHEN (OLD.status <> NEW.status) EXECUTE FUNCTION core.note_lifecycle();
