-- The log of what happened, the commands that were done, and how far the log was followed.
-- Depends on nothing.
-- ensure: SELECT count(*) = 3 FROM pg_catalog.pg_trigger WHERE tgrelid = 'log.events'::regclass AND tgenabled = 'O'
-- ensure: SELECT count(*) = 0 FROM log.verify(NULL)

CREATE SCHEMA log;

CREATE TABLE log.events (
    position       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY
                   CONSTRAINT events_position_check CHECK (position >= 1),
    transaction_id bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint
                   CONSTRAINT events_transaction_id_check CHECK (transaction_id >= 0),
    stream         text NOT NULL CONSTRAINT events_stream_check CHECK (stream ~
                       '^(user|agent|loop|voting|guild|prophecy|cluster):[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$'),
    version        bigint NOT NULL CONSTRAINT events_version_check CHECK (version >= 1),
    type           text NOT NULL CONSTRAINT events_type_check CHECK (type IN
                       ('user_registered', 'agent_registered', 'loop_created', 'loop_forked',
                        'loop_dissolved', 'tone_shifted', 'guild_founded', 'guild_joined',
                        'voting_opened', 'vote_cast', 'voting_closed', 'blessing_granted',
                        'prophecy_spoken', 'prophecy_fulfilled', 'cluster_formed',
                        'cluster_dissolved', 'credits_changed')),
    schema_version integer NOT NULL
                   CONSTRAINT events_schema_version_check CHECK (schema_version BETWEEN 1 AND 1000),
    recorded_at    timestamptz NOT NULL DEFAULT now(),
    data           jsonb NOT NULL
                   CONSTRAINT events_data_check CHECK (jsonb_typeof(data) = 'object'),
    metadata       jsonb NOT NULL DEFAULT '{}'
                   CONSTRAINT events_metadata_check CHECK (jsonb_typeof(metadata) = 'object'),
    sha256         bytea NOT NULL CONSTRAINT events_sha256_check CHECK (length(sha256) = 32),
    CONSTRAINT events_stream_version_key UNIQUE (stream, version)
);
-- A position is taken before the commit, so positions alone would let a late commit be passed over.
CREATE INDEX events_transaction_id_position_idx ON log.events (transaction_id, position);

CREATE TABLE log.commands (
    command_id  uuid PRIMARY KEY,
    name        text NOT NULL
                CONSTRAINT commands_name_check CHECK (length(name) BETWEEN 1 AND 100),
    body_sha256 bytea NOT NULL
                CONSTRAINT commands_body_sha256_check CHECK (length(body_sha256) = 32),
    answer      jsonb NOT NULL
                CONSTRAINT commands_answer_check CHECK (jsonb_typeof(answer) = 'object'),
    done_at     timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX commands_done_at_idx ON log.commands (done_at);

CREATE TABLE log.followers (
    follower       text PRIMARY KEY
                   CONSTRAINT followers_follower_check CHECK (length(follower) BETWEEN 1 AND 100),
    transaction_id bigint NOT NULL
                   CONSTRAINT followers_transaction_id_check CHECK (transaction_id >= 0),
    position       bigint NOT NULL CONSTRAINT followers_position_check CHECK (position >= 0),
    taken          bigint NOT NULL CONSTRAINT followers_taken_check CHECK (taken >= 0),
    recorded_at    timestamptz,
    moved_at       timestamptz NOT NULL DEFAULT now()
);

CREATE FUNCTION log.digest(
    before bytea, stream text, version bigint, type text, schema_version integer,
    recorded_at timestamptz, data jsonb, metadata jsonb) RETURNS bytea
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
RETURN sha256(coalesce(before, '') || convert_to(jsonb_build_array(
    stream, version, type, schema_version, extract(epoch FROM recorded_at), data, metadata)::text,
    'UTF8'));
COMMENT ON FUNCTION log.digest(bytea, text, bigint, text, integer, timestamptz, jsonb, jsonb) IS
    'The hash of an event, over the hash of the one before it in its stream.';

CREATE FUNCTION log.chain() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    last record;
BEGIN
    SELECT e.version, e.sha256 INTO last
      FROM log.events AS e
     WHERE e.stream = NEW.stream
     ORDER BY e.version DESC
     LIMIT 1;
    IF NEW.version <> coalesce(last.version, 0) + 1 THEN
        RAISE EXCEPTION 'stream %: wrong version: expected %, is %', NEW.stream, NEW.version - 1,
              coalesce(last.version, 0)
              USING ERRCODE = 'serialization_failure',
                    HINT = 'somebody was faster: look again, then decide again';
    END IF;
    NEW.transaction_id := pg_current_xact_id()::text::bigint;
    NEW.sha256 := log.digest(last.sha256, NEW.stream, NEW.version, NEW.type, NEW.schema_version,
                             NEW.recorded_at, NEW.data, NEW.metadata);
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION log.chain() IS
    'Takes an event only as the next of its stream, and ties it to the one before.';
CREATE TRIGGER events_chain BEFORE INSERT ON log.events
    FOR EACH ROW EXECUTE FUNCTION log.chain();

-- Readers go by transaction: a life must not go on in a transaction that is older than what it goes
-- on from. None is, if what an event follows from is looked at before the transaction has a number.
CREATE FUNCTION log.begin() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    mine bigint := pg_current_xact_id_if_assigned()::text::bigint;
BEGIN
    IF mine IS NOT NULL
       AND NOT EXISTS (SELECT FROM log.events AS e WHERE e.transaction_id = mine)
    THEN
        RAISE EXCEPTION 'log.events: this transaction has written something else before'
              USING HINT = 'events come first in a transaction, what follows from them after',
                    ERRCODE = 'active_sql_transaction';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION log.begin() IS
    'Takes events only from a transaction that begins with them.';
CREATE TRIGGER events_begin BEFORE INSERT ON log.events
    FOR EACH STATEMENT EXECUTE FUNCTION log.begin();

CREATE FUNCTION log.keep_events() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION 'log.events: % of what happened', TG_OP
          USING HINT = 'events are only added: what was wrong is put right by another event',
                ERRCODE = 'restrict_violation';
END
$$;
COMMENT ON FUNCTION log.keep_events() IS 'Refuses whatever is not an insertion.';
CREATE TRIGGER events_keep BEFORE UPDATE OR DELETE OR TRUNCATE ON log.events
    FOR EACH STATEMENT EXECUTE FUNCTION log.keep_events();

CREATE FUNCTION log.verify(of_stream text)
    RETURNS TABLE (stream text, version bigint, fault text)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT e.stream, e.version,
           CASE WHEN e.version <> coalesce(e.version_before, 0) + 1 THEN 'gap' ELSE 'changed' END
      FROM (
        SELECT v.stream, v.version, v.type, v.schema_version, v.recorded_at, v.data, v.metadata,
               v.sha256, lag(v.version) OVER life AS version_before,
               lag(v.sha256) OVER life AS sha256_before
          FROM log.events AS v
         WHERE of_stream IS NULL OR v.stream = of_stream
        WINDOW life AS (PARTITION BY v.stream ORDER BY v.version)) AS e
     WHERE e.version <> coalesce(e.version_before, 0) + 1
        OR e.sha256 <> log.digest(e.sha256_before, e.stream, e.version, e.type, e.schema_version,
                                  e.recorded_at, e.data, e.metadata)
     ORDER BY e.stream, e.version
$$;
COMMENT ON FUNCTION log.verify(text) IS
    'Events of a stream, or of all, that are not as they were added: none, or the log was changed.';
