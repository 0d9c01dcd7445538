-- Each person's key, what stands for something personal in texts, and unsigned loops.
-- depends: 0004.create-lives
-- ensure: SELECT count(*) = 3 FROM pg_catalog.pg_tables WHERE (schemaname, tablename) IN (('privacy', 'subjects'), ('soulfra', 'pii_tokens'), ('soulfra', 'loop_owners'))
-- ensure: SELECT prosecdef FROM pg_catalog.pg_proc WHERE oid = 'log.verify(text)'::regprocedure

CREATE SCHEMA privacy;

-- No reference to users: they are made anew from the log, keys are not.
CREATE TABLE privacy.subjects (
    user_id        uuid PRIMARY KEY,
    wrapped        bytea CONSTRAINT subjects_wrapped_check
                   CHECK (length(wrapped) = 60
                          AND ((wrapped IS NULL) = (forgotten_at IS NOT NULL))),
    username_token bytea UNIQUE CONSTRAINT subjects_username_token_check
                   CHECK (length(username_token) = 32),
    email_token    bytea UNIQUE CONSTRAINT subjects_email_token_check
                   CHECK (length(email_token) = 32),
    made_at        timestamptz NOT NULL DEFAULT now(),
    forgotten_at   timestamptz,
    finished_at    timestamptz CONSTRAINT subjects_finished_at_check
                   CHECK ((finished_at IS NULL OR forgotten_at IS NOT NULL)),
    report         jsonb NOT NULL DEFAULT '{}'
                   CONSTRAINT subjects_report_check CHECK (jsonb_typeof(report) = 'object')
);
CREATE INDEX subjects_forgotten_at_idx ON privacy.subjects (forgotten_at)
 WHERE forgotten_at IS NOT NULL AND finished_at IS NULL;

CREATE FUNCTION privacy.keep_forgotten() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NEW.wrapped IS NOT NULL AND NEW.wrapped IS DISTINCT FROM OLD.wrapped THEN
        RAISE EXCEPTION 'privacy.subjects: user %: another key', OLD.user_id
              USING HINT = 'a key is destroyed, never changed: what it sealed could not be read',
                    ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION privacy.keep_forgotten() IS 'Refuses another key in the place of one.';
CREATE TRIGGER subjects_keep BEFORE UPDATE ON privacy.subjects
    FOR EACH ROW EXECUTE FUNCTION privacy.keep_forgotten();

CREATE TABLE soulfra.pii_tokens (
    user_id uuid NOT NULL REFERENCES soulfra.users (id),
    token   text NOT NULL CONSTRAINT pii_tokens_token_check
            CHECK (token ~ '^(email|phone|name):[A-Za-z0-9_-]{20,40}$'),
    sealed  text NOT NULL CONSTRAINT pii_tokens_sealed_check
            CHECK (length(sealed) <= 400000 AND sealed ~ '^s1\.[A-Za-z0-9_-]{20,}$'),
    PRIMARY KEY (user_id, token)
);

CREATE TABLE soulfra.loop_owners (
    loop_id         text PRIMARY KEY,
    loop_created_at timestamptz NOT NULL,
    creator_id      uuid NOT NULL REFERENCES soulfra.users (id),
    agent_id        text NOT NULL REFERENCES soulfra.agents (agent_id),
    CONSTRAINT loop_owners_loop_fkey FOREIGN KEY (loop_id, loop_created_at)
        REFERENCES soulfra.loops (loop_id, created_at)
);
CREATE INDEX loop_owners_creator_id_idx ON soulfra.loop_owners (creator_id);

-- Sealed, a text is longer; unsigned, a loop is nobody's. Nobody runs this on tables with rows.
ALTER TABLE soulfra.users DROP CONSTRAINT users_username_check;
ALTER TABLE soulfra.users DROP CONSTRAINT users_email_check;
ALTER TABLE soulfra.users ADD CONSTRAINT users_username_check
      CHECK (length(username) BETWEEN 1 AND 1420);
ALTER TABLE soulfra.users ADD CONSTRAINT users_email_check
      CHECK (length(email) BETWEEN 3 AND 1420);

ALTER TABLE soulfra.agents DROP CONSTRAINT agents_archetype_check;
ALTER TABLE soulfra.agents ADD CONSTRAINT agents_archetype_check
      CHECK (length(archetype) BETWEEN 1 AND 400);

ALTER TABLE soulfra.loops ALTER COLUMN creator_id DROP NOT NULL;
ALTER TABLE soulfra.loops ALTER COLUMN agent_id DROP NOT NULL;
ALTER TABLE soulfra.loops DROP CONSTRAINT loops_whisper_origin_check;
ALTER TABLE soulfra.loops ADD CONSTRAINT loops_whisper_origin_check
      CHECK (length(whisper_origin) <= 400000);
ALTER TABLE soulfra.loops ADD CONSTRAINT loops_agent_id_check
      CHECK ((agent_id IS NULL) = (creator_id IS NULL));

ALTER TABLE soulfra.prophecies DROP CONSTRAINT prophecies_prophecy_text_check;
ALTER TABLE soulfra.prophecies ADD CONSTRAINT prophecies_prophecy_text_check
      CHECK (length(prophecy_text) BETWEEN 1 AND 400000);

ALTER TABLE log.events DROP CONSTRAINT events_type_check;
ALTER TABLE log.events ADD CONSTRAINT events_type_check CHECK (type IN
      ('user_registered', 'agent_registered', 'loop_created', 'loop_forked', 'loop_dissolved',
       'tone_shifted', 'guild_founded', 'guild_joined', 'voting_opened', 'vote_cast',
       'voting_closed', 'blessing_granted', 'prophecy_spoken', 'prophecy_fulfilled',
       'cluster_formed', 'cluster_dissolved', 'credits_changed', 'loop_owned',
       'user_forgotten'));

-- Whoever proves the log need not see all of it: it says where a fault is, and nothing else.
ALTER FUNCTION log.verify(text) SECURITY DEFINER;
