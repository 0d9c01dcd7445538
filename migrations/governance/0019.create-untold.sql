-- Events of changes that were committed and whose lines are not indexed yet. Depends on 0016.
-- ensure: SELECT count(*) = 1 FROM pg_catalog.pg_index WHERE indexrelid = 'audit.untold_pkey'::regclass

CREATE TABLE audit.untold (
    event_id    uuid PRIMARY KEY,
    untold_id   bigint GENERATED ALWAYS AS IDENTITY,
    recorded_at timestamptz NOT NULL,
    agent_id    text,
    event_type  text NOT NULL,
    payload     jsonb NOT NULL DEFAULT '{}'
                CONSTRAINT untold_payload_check CHECK (jsonb_typeof(payload) = 'object')
);
