-- How far each raw trail is indexed, and its end at the close of each day. Depends on 0004.
-- ensure: SELECT count(*) = 1 FROM pg_catalog.pg_trigger WHERE tgrelid = 'audit.anchors'::regclass AND NOT tgisinternal
-- ensure: SELECT count(*) = 1 FROM pg_catalog.pg_index WHERE indexrelid = 'audit.events_event_type_recorded_at_idx'::regclass

CREATE TABLE audit.positions (
    trail        text PRIMARY KEY
                 CONSTRAINT positions_trail_check CHECK (trail IN ('audit_log', 'tool_usage')),
    first_seq    bigint NOT NULL CONSTRAINT positions_first_seq_check CHECK (first_seq >= 0),
    read_bytes   bigint NOT NULL CONSTRAINT positions_read_bytes_check CHECK (read_bytes >= 0),
    seq          bigint NOT NULL CONSTRAINT positions_seq_check CHECK (seq >= 0),
    hash         bytea NOT NULL CONSTRAINT positions_hash_check CHECK (length(hash) = 32),
    state_id     bigint NOT NULL DEFAULT 0
                 CONSTRAINT positions_state_id_check CHECK (state_id >= 0),
    lifecycle_id bigint NOT NULL DEFAULT 0
                 CONSTRAINT positions_lifecycle_id_check CHECK (lifecycle_id >= 0),
    updated_at   timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE audit.anchors (
    trail       text NOT NULL
                CONSTRAINT anchors_trail_check CHECK (trail IN ('audit_log', 'tool_usage')),
    seq         bigint NOT NULL CONSTRAINT anchors_seq_check CHECK (seq >= 1),
    day         date NOT NULL,
    hash        bytea NOT NULL CONSTRAINT anchors_hash_check CHECK (length(hash) = 32),
    anchored_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (trail, seq)
);

-- Grants keep the app from it; this keeps the owner from it, too, as long as it does not mean it.
CREATE FUNCTION audit.keep_anchors() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION 'audit.anchors: % of what is anchored', TG_OP
          USING HINT = 'anchors are only added: they prove that the trail was not changed',
                ERRCODE = 'restrict_violation';
END
$$;
COMMENT ON FUNCTION audit.keep_anchors() IS 'Refuses whatever is not an insertion.';

CREATE TRIGGER anchors_keep BEFORE UPDATE OR DELETE OR TRUNCATE ON audit.anchors
    FOR EACH STATEMENT EXECUTE FUNCTION audit.keep_anchors();

-- Asked by type, and written by nobody who is waited for.
CREATE INDEX events_event_type_recorded_at_idx ON audit.events (event_type, recorded_at DESC);
