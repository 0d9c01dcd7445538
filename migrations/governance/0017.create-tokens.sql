-- Tokens that agents were given, by the hash of their secrets; a way to archive an agent.
-- Depends on 0001 and 0005.
-- ensure: SELECT to_regclass('core.tokens') IS NOT NULL AND to_regprocedure('core.archive_identity(text)') IS NOT NULL
-- ensure: SELECT count(*) = 1 FROM pg_catalog.pg_constraint WHERE conrelid = 'core.identities'::regclass AND conname = 'identities_parent_agent_id_check'

CREATE TABLE core.tokens (
    token_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    identity_id   bigint NOT NULL REFERENCES core.identities (identity_id) ON DELETE CASCADE,
    purpose       text NOT NULL
                  CONSTRAINT tokens_purpose_check CHECK (purpose IN ('access', 'continuity')),
    secret_sha256 bytea NOT NULL
                  CONSTRAINT tokens_secret_sha256_check CHECK (length(secret_sha256) = 32),
    rights        text[] NOT NULL
                  CONSTRAINT tokens_rights_check
                  CHECK (rights <@ ARRAY['check-in', 'read', 'write', 'operate']),
    issued_by     text,
    created_at    timestamptz NOT NULL DEFAULT now(),
    expires_at    timestamptz NOT NULL,
    revoked_at    timestamptz,
    last_used_at  timestamptz
);
CREATE INDEX tokens_identity_id_idx ON core.tokens (identity_id);
CREATE INDEX tokens_expires_at_idx ON core.tokens (expires_at);

ALTER TABLE core.identities ADD CONSTRAINT identities_parent_agent_id_check
    CHECK (parent_agent_id <> agent_id);

-- The one status that governance gives by itself: what was archived, disabled or deleted before
-- stays so, and nothing comes back.
CREATE FUNCTION core.archive_identity(agent text) RETURNS boolean
    LANGUAGE sql STRICT SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
    UPDATE core.identities
       SET status = 'archived', updated_at = now()
     WHERE agent_id = agent AND status IN ('active', 'waiting_input', 'paused')
    RETURNING true
$$;
COMMENT ON FUNCTION core.archive_identity(text) IS
    'Archives an agent that is active, waiting or paused; null if there is none.';
