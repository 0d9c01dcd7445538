-- Which database has which agents, the moves of slots, and the cut of a month of loops.
-- depends: 0005.create-privacy
-- ensure: SELECT count(*) = 5 FROM pg_catalog.pg_tables WHERE schemaname = 'shard'
-- ensure: SELECT count(*) = 1 FROM pg_catalog.pg_trigger WHERE tgrelid = 'log.events'::regclass AND tgname = 'events_slot' AND tgenabled = 'O'
-- ensure: SELECT shard.slot_of('oracle') = 618

CREATE SCHEMA shard;

CREATE TABLE shard.places (
    name      text PRIMARY KEY
              CONSTRAINT places_name_check CHECK (name ~ '^[a-z][a-z0-9-]{0,30}$'),
    place     text NOT NULL CONSTRAINT places_place_check
              CHECK (length(place) <= 500 AND place ~ '^[^@\s]*$'),
    here      boolean NOT NULL,
    joined_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE shard.map (
    slot  integer PRIMARY KEY CONSTRAINT map_slot_check CHECK (slot BETWEEN 0 AND 4095),
    shard text NOT NULL REFERENCES shard.places (name),
    epoch bigint NOT NULL DEFAULT 1 CONSTRAINT map_epoch_check CHECK (epoch >= 1)
);
CREATE INDEX map_shard_idx ON shard.map (shard);

CREATE TABLE shard.slots (
    slot         integer PRIMARY KEY
                 CONSTRAINT slots_slot_check CHECK (slot BETWEEN 0 AND 4095),
    state        text NOT NULL CONSTRAINT slots_state_check
                 CHECK (state IN ('here', 'frozen', 'arriving', 'away')),
    epoch        bigint NOT NULL DEFAULT 1 CONSTRAINT slots_epoch_check CHECK (epoch >= 1),
    frozen_until timestamptz CONSTRAINT slots_frozen_until_check
                 CHECK ((state = 'frozen') = (frozen_until IS NOT NULL))
);

CREATE TABLE shard.registrations (
    agent_id      text PRIMARY KEY CONSTRAINT registrations_agent_id_check
                  CHECK (length(agent_id) <= 100 AND agent_id ~ '^[A-Za-z0-9][A-Za-z0-9_.-]*$'),
    slot          integer NOT NULL
                  CONSTRAINT registrations_slot_check CHECK (slot BETWEEN 0 AND 4095),
    registered_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE shard.moves (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    first_slot integer NOT NULL
               CONSTRAINT moves_first_slot_check CHECK (first_slot BETWEEN 0 AND 4095),
    last_slot  integer NOT NULL CONSTRAINT moves_last_slot_check
               CHECK (last_slot BETWEEN 0 AND 4095 AND (last_slot >= first_slot)),
    source     text NOT NULL REFERENCES shard.places (name),
    target     text NOT NULL REFERENCES shard.places (name)
               CONSTRAINT moves_target_check CHECK ((target <> source)),
    step       text NOT NULL DEFAULT 'copying' CONSTRAINT moves_step_check
               CHECK (step IN ('copying', 'flipped', 'done', 'undone')),
    agents     bigint CONSTRAINT moves_agents_check CHECK (agents >= 0),
    events     bigint CONSTRAINT moves_events_check CHECK (events >= 0),
    checksum   text CONSTRAINT moves_checksum_check CHECK (checksum ~ '^[0-9a-f]{64}$'),
    frozen_ms  bigint CONSTRAINT moves_frozen_ms_check CHECK (frozen_ms >= 0),
    begun_at   timestamptz NOT NULL DEFAULT now(),
    moved_at   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX moves_first_slot_idx ON shard.moves (first_slot) WHERE step IN ('copying', 'flipped');

-- The users are at home: on another shard an agent's owner is a name only.
ALTER TABLE soulfra.agents DROP CONSTRAINT agents_owner_id_fkey;
-- A move asks for the agents of some slots. The table is small or empty when this runs.
CREATE INDEX agents_slot_idx ON soulfra.agents (slot);

CREATE FUNCTION shard.slot_of(agent_id text) RETURNS integer
    LANGUAGE sql IMMUTABLE STRICT
    SET search_path = pg_catalog, pg_temp
RETURN (get_byte(sha256(convert_to(agent_id, 'UTF8')), 6) * 256
        + get_byte(sha256(convert_to(agent_id, 'UTF8')), 7)) % 4096;
COMMENT ON FUNCTION shard.slot_of(text) IS
    'The slot of an agent: of the first 8 bytes of the SHA-256 of its id the last 12 bits.';

-- Refused here, whatever the writer believes: the rows of slots are held until the writer's transaction
-- ends, so that nothing is added to a slot once it is frozen.
CREATE FUNCTION shard.keep() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    life record;
    mine record;
BEGIN
    -- Without shards nobody asks whose a slot is.
    IF NOT EXISTS (SELECT FROM shard.slots) THEN
        RETURN NULL;
    END IF;
    FOR life IN
        SELECT n.agent_id, n.last, shard.slot_of(n.agent_id) AS slot
          FROM (SELECT substr(a.stream, 7) AS agent_id, max(a.version) AS last
                  FROM added AS a WHERE a.stream LIKE 'agent:%' GROUP BY a.stream) AS n
         ORDER BY slot
    LOOP
        IF current_setting('transaction_isolation') <> 'read committed' THEN
            RAISE EXCEPTION 'log.events: who adds to an agent''s life reads what is committed'
                  USING ERRCODE = 'active_sql_transaction';
        END IF;
        SELECT s.state, s.frozen_until INTO mine
          FROM shard.slots AS s WHERE s.slot = life.slot FOR SHARE;
        CONTINUE WHEN NOT FOUND OR mine.state = 'here'
            OR (mine.state = 'frozen' AND clock_timestamp() >= mine.frozen_until)
            -- The mover is the owner; whoever comes through a function of the owner's is not.
            OR (mine.state = 'arriving' AND session_user = current_user);
        -- Every agent is registered at home; from there its registration is carried.
        IF life.last = 1 AND mine.state <> 'frozen'
           AND EXISTS (SELECT FROM shard.places AS p WHERE p.here AND p.name = 'home')
        THEN
            INSERT INTO shard.registrations (agent_id, slot) VALUES (life.agent_id, life.slot);
            CONTINUE;
        END IF;
        RAISE EXCEPTION 'slot %: is % in this database', life.slot, mine.state
              USING ERRCODE = 'restrict_violation', CONSTRAINT = 'slots_state',
                    HINT = 'ask home''s map whose it is, and give it there';
    END LOOP;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION shard.keep() IS
    'Takes events of an agent only where its slot is.';
CREATE TRIGGER events_slot AFTER INSERT ON log.events
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION shard.keep();

-- So that the process, which can say of no event when it was, need not be the owner to carry one.
CREATE FUNCTION shard.adopt(
    agent_id text, schema_version integer, recorded_at timestamptz, data jsonb, metadata jsonb)
    RETURNS bytea
    LANGUAGE plpgsql STRICT SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    known bytea;
BEGIN
    SELECT e.sha256 INTO known
      FROM log.events AS e WHERE e.stream = 'agent:' || agent_id AND e.version = 1;
    IF known IS NULL THEN
        PERFORM log.add(jsonb_build_array(jsonb_build_object(
                    'stream', 'agent:' || agent_id, 'version', 1, 'type', 'agent_registered',
                    'schema_version', schema_version, 'recorded_at', recorded_at, 'data', data,
                    'metadata', metadata)), '{}', true);
        SELECT e.sha256 INTO STRICT known
          FROM log.events AS e WHERE e.stream = 'agent:' || agent_id AND e.version = 1;
    END IF;
    RETURN known;
END
$$;
COMMENT ON FUNCTION shard.adopt(text, integer, timestamptz, jsonb, jsonb) IS
    'Takes in the registration of an agent as it was at home; gives its hash, the same as there.';

CREATE FUNCTION shard.begin(named text) RETURNS void
    LANGUAGE plpgsql STRICT
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- Whoever writes now has not seen the rows, and is waited for.
    LOCK TABLE log.events IN SHARE ROW EXCLUSIVE MODE;
    IF EXISTS (SELECT FROM shard.places AS p WHERE p.here AND p.name = named) THEN
        RETURN;
    END IF;
    IF EXISTS (SELECT FROM shard.places AS p WHERE p.here) THEN
        RAISE EXCEPTION 'shard %: this database is another one', named;
    END IF;
    IF named <> 'home' AND EXISTS (SELECT FROM log.events) THEN
        RAISE EXCEPTION 'shard %: something happened in this database already', named
              USING HINT = 'a shard begins empty';
    END IF;
    INSERT INTO shard.places (name, place, here) VALUES (named, '', true);
    INSERT INTO shard.slots (slot, state)
    SELECT n, CASE named WHEN 'home' THEN 'here' ELSE 'away' END FROM generate_series(0, 4095) AS n;
    IF named = 'home' THEN
        INSERT INTO shard.map (slot, shard) SELECT n, named FROM generate_series(0, 4095) AS n;
    END IF;
END
$$;
COMMENT ON FUNCTION shard.begin(text) IS
    'Makes this database the shard of that name: home has all slots, any other one none.';

CREATE FUNCTION shard.prune(of_slots integer[], most integer) RETURNS integer
    LANGUAGE plpgsql STRICT
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    gone text[];
BEGIN
    IF NOT EXISTS (SELECT FROM shard.places AS p WHERE p.here AND p.name <> 'home') THEN
        RAISE EXCEPTION 'home keeps the register of all agents, and their lives until they moved';
    END IF;
    SELECT array_agg(a.agent_id) INTO gone
      FROM (SELECT g.agent_id
              FROM soulfra.agents AS g
              JOIN shard.slots AS s ON s.slot = g.slot AND s.state = 'away'
             WHERE g.slot = ANY (of_slots)
             LIMIT most) AS a;
    IF gone IS NULL THEN
        RETURN 0;
    END IF;
    DELETE FROM log.commands AS c
     USING log.events AS e
     WHERE e.stream = ANY (SELECT 'agent:' || g FROM unnest(gone) AS g)
       AND c.command_id = (e.metadata ->> 'command_id')::uuid;
    DELETE FROM soulfra.transformations AS t WHERE t.agent_id = ANY (gone);
    DELETE FROM soulfra.agents AS a WHERE a.agent_id = ANY (gone);
    ALTER TABLE log.events DISABLE TRIGGER events_keep;
    DELETE FROM log.events AS e WHERE e.stream = ANY (SELECT 'agent:' || g FROM unnest(gone) AS g);
    ALTER TABLE log.events ENABLE TRIGGER events_keep;
    RETURN cardinality(gone);
END
$$;
COMMENT ON FUNCTION shard.prune(integer[], integer) IS
    'Takes whole lives out of a shard that has not their slots any more; gives how many agents.';

-- All of it follows from the log, and comes back with a replay. Others refer to loops, so they go
-- with them; what is still open keeps a month. The month stays, empty, for a replay.
CREATE FUNCTION soulfra.cut_loop_month(month timestamptz) RETURNS text
    LANGUAGE plpgsql STRICT
    SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO'
    SET lock_timeout = '2s'
AS $$
DECLARE
    first timestamptz := date_trunc('month', month);
    last timestamptz := date_trunc('month', month) + interval '1 month';
    tail text := to_char(month, 'YYYY_MM');
    part text := 'loops_' || tail;
    why text;
BEGIN
    IF last > now() THEN
        RAISE EXCEPTION 'loops of %: the month is not over', tail;
    END IF;
    CREATE SCHEMA IF NOT EXISTS retired;
    IF to_regclass(format('retired.%I', part)) IS NOT NULL THEN
        RETURN tail;
    END IF;
    IF to_regclass(format('soulfra.%I', part)) IS NULL THEN
        RAISE EXCEPTION 'loops of %: there is no such month', tail;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('soulfra.loops'));
    LOCK TABLE soulfra.loops, soulfra.votings, soulfra.votes, soulfra.blessings,
               soulfra.cluster_loops, soulfra.loop_owners IN ACCESS EXCLUSIVE MODE;
    SELECT string_agg(open.what, ', ') INTO why
      FROM (SELECT 'voting ' || v.voting_id AS what
              FROM soulfra.votings AS v
             WHERE v.status = 'open' AND v.loop_created_at >= first AND v.loop_created_at < last
             UNION ALL
            SELECT DISTINCT 'cluster ' || c.cluster_id
              FROM soulfra.cluster_loops AS l
              JOIN soulfra.clusters AS c ON c.cluster_id = l.cluster_id AND c.status = 'active'
             WHERE l.loop_created_at >= first AND l.loop_created_at < last
             LIMIT 5) AS open;
    IF why IS NOT NULL THEN
        RAISE EXCEPTION 'loops of %: still open: %', tail, why
              USING HINT = 'vote, or dissolve the cluster', ERRCODE = 'restrict_violation';
    END IF;
    EXECUTE format('CREATE TABLE retired.%I AS SELECT t.* FROM soulfra.votes AS t
                      JOIN soulfra.votings AS v ON v.voting_id = t.voting_id
                     WHERE v.loop_created_at >= %L AND v.loop_created_at < %L ORDER BY 1, 2',
                   'votes_' || tail, first, last);
    DELETE FROM soulfra.votes AS t USING soulfra.votings AS v
     WHERE v.voting_id = t.voting_id AND v.loop_created_at >= first AND v.loop_created_at < last;
    FOREACH why IN ARRAY ARRAY['blessings', 'cluster_loops', 'loop_owners', 'votings'] LOOP
        EXECUTE format('CREATE TABLE retired.%I AS SELECT t.* FROM soulfra.%I AS t
                         WHERE t.loop_created_at >= %L AND t.loop_created_at < %L ORDER BY 1, 2',
                       why || '_' || tail, why, first, last);
        EXECUTE format('DELETE FROM soulfra.%I AS t
                         WHERE t.loop_created_at >= %L AND t.loop_created_at < %L',
                       why, first, last);
    END LOOP;
    EXECUTE format('ALTER TABLE soulfra.loops DETACH PARTITION soulfra.%I', part);
    EXECUTE format('ALTER TABLE soulfra.%I SET SCHEMA retired', part);
    EXECUTE format('CREATE TABLE soulfra.%I PARTITION OF soulfra.loops FOR VALUES FROM (%L) TO (%L)',
                   part, to_char(first, 'YYYY-MM-DD HH24:MI:SS+00'),
                   to_char(last, 'YYYY-MM-DD HH24:MI:SS+00'));
    RETURN tail;
END
$$;
COMMENT ON FUNCTION soulfra.cut_loop_month(timestamptz) IS
    'Puts a month of loops, and what refers to them, into schema retired, to be archived; gives its name.';
