-- The log of what happened, the commands that were done, and how far the log was followed.
-- Depends on nothing.
-- ensure: SELECT count(*) = 1 FROM pg_catalog.pg_trigger WHERE tgrelid = 'log.events'::regclass AND tgenabled = 'O'
-- ensure: SELECT count(*) = 0 FROM log.verify(NULL)

CREATE SCHEMA log;

CREATE TABLE log.events (
    position       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY
                   CONSTRAINT events_position_check CHECK (position >= 1),
    transaction_id bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint
                   CONSTRAINT events_transaction_id_check CHECK (transaction_id >= 0),
    stream         text NOT NULL CONSTRAINT events_stream_check CHECK (
                       length(stream) <= 109 AND stream ~
                       '^(?:user|agent|loop|voting|guild|prophecy|cluster):[A-Za-z0-9][A-Za-z0-9_.-]*$'),
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
RETURN sha256(coalesce(before, '') || convert_to(jsonb_build_array(
    stream, version, type, schema_version, extract(epoch FROM recorded_at), data, metadata)::text,
    'UTF8'));
COMMENT ON FUNCTION log.digest(bytea, text, bigint, text, integer, timestamptz, jsonb, jsonb) IS
    'The hash of an event, over the hash of the one before it in its stream.';

CREATE FUNCTION log.link(
    last bytea, before bytea, stream text, version bigint, type text, schema_version integer,
    recorded_at timestamptz, data jsonb, metadata jsonb) RETURNS bytea
    LANGUAGE sql STABLE
RETURN log.digest(coalesce(last, before), stream, version, type, schema_version, recorded_at, data,
                  metadata);
COMMENT ON FUNCTION log.link(
    bytea, bytea, text, bigint, text, integer, timestamptz, jsonb, jsonb) IS
    'One step of log.chained.';
CREATE AGGREGATE log.chained(
    before bytea, stream text, version bigint, type text, schema_version integer,
    recorded_at timestamptz, data jsonb, metadata jsonb) (SFUNC = log.link, STYPE = bytea);
COMMENT ON AGGREGATE log.chained(
    bytea, text, bigint, text, integer, timestamptz, jsonb, jsonb) IS
    'The hashes of events of one stream in their order, over the one that is there already.';

-- The only way in. Each event is the next of its stream, or none is taken. Who takes over a life from
-- elsewhere, the owner, keeps when its events were recorded.
-- Readers go by transaction: a life must not go on in a transaction that is older than what it goes
-- on from. None is, if what an event follows from is looked at before the transaction has a number.
CREATE FUNCTION log.add(events jsonb, based_on jsonb, keeps_time boolean) RETURNS integer
    LANGUAGE plpgsql
AS $$
DECLARE
    mine bigint := pg_current_xact_id_if_assigned()::text::bigint;
    wrong record;
BEGIN
    IF mine IS NOT NULL
       AND NOT EXISTS (SELECT FROM log.events AS e WHERE e.transaction_id = mine)
    THEN
        RAISE EXCEPTION 'log.events: this transaction has written something else before'
              USING HINT = 'events come first in a transaction, what follows from them after',
                    ERRCODE = 'active_sql_transaction';
    END IF;
    WITH new AS MATERIALIZED (
        SELECT n.stream, n.version, n.type, n.schema_version, n.data, n.metadata, n.ordinality,
               CASE WHEN keeps_time THEN n.recorded_at ELSE now() END AS recorded_at,
               row_number() OVER life + coalesce(l.version, 0) AS next,
               log.chained(l.sha256, n.stream, n.version, n.type, n.schema_version,
                           CASE WHEN keeps_time THEN n.recorded_at ELSE now() END, n.data,
                           n.metadata) OVER life AS sha256
          FROM ROWS FROM (jsonb_to_recordset(events) AS (
                   stream text, version bigint, type text, schema_version integer,
                   recorded_at timestamptz, data jsonb, metadata jsonb)) WITH ORDINALITY AS n
          LEFT JOIN LATERAL (SELECT e.version, e.sha256 FROM log.events AS e
                              WHERE e.stream = n.stream
                              ORDER BY e.version DESC LIMIT 1) AS l ON true
        WINDOW life AS (PARTITION BY n.stream ORDER BY n.ordinality)
    ), other AS (
        SELECT n.stream, n.version, n.next FROM new AS n WHERE n.version IS DISTINCT FROM n.next
         UNION ALL
        SELECT b.key, b.value::bigint + 1, coalesce(l.version, 0) + 1
          FROM jsonb_each_text(based_on) AS b
          LEFT JOIN LATERAL (SELECT e.version FROM log.events AS e WHERE e.stream = b.key
                              ORDER BY e.version DESC LIMIT 1) AS l ON true
         WHERE b.value::bigint <> coalesce(l.version, 0)
    ), taken AS (
        INSERT INTO log.events (
            stream, version, type, schema_version, recorded_at, data, metadata, sha256)
        SELECT n.stream, n.version, n.type, n.schema_version, n.recorded_at, n.data, n.metadata,
               n.sha256
          FROM new AS n
         WHERE NOT EXISTS (SELECT FROM other)
         ORDER BY n.ordinality
        RETURNING 1
    )
    SELECT (SELECT count(*) FROM taken) AS added, o.stream, o.version, o.next
      INTO wrong
      FROM (VALUES (1)) AS one LEFT JOIN other AS o ON true
     LIMIT 1;
    IF wrong.stream IS NOT NULL THEN
        RAISE EXCEPTION 'stream %: wrong version: expected %, is %', wrong.stream,
              wrong.version - 1, wrong.next - 1
              USING ERRCODE = 'serialization_failure',
                    HINT = 'somebody was faster: look again, then decide again';
    END IF;
    RETURN wrong.added;
END
$$;
COMMENT ON FUNCTION log.add(jsonb, jsonb, boolean) IS
    'Adds events in the order of the array, all or none, if the streams they are based on stand.';

CREATE FUNCTION log.append(events jsonb, based_on jsonb DEFAULT '{}') RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN log.add(events, based_on, false);
END
$$;
COMMENT ON FUNCTION log.append(jsonb, jsonb) IS
    'Adds events that happen now: what everybody else than the owner may do.';

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
