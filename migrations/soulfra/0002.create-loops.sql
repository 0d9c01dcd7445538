-- Users, their agents in eight parts by hash, and loops in months. Depends on nothing.
-- ensure: SELECT count(*) = 8 FROM pg_catalog.pg_inherits WHERE inhparent = 'soulfra.agents'::regclass
-- ensure: SELECT count(*) >= 7 FROM pg_catalog.pg_inherits WHERE inhparent = 'soulfra.loops'::regclass

CREATE SCHEMA soulfra;

CREATE TABLE soulfra.users (
    id                uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    username          text NOT NULL UNIQUE
                      CONSTRAINT users_username_check CHECK (length(username) BETWEEN 1 AND 255),
    email             text NOT NULL UNIQUE
                      CONSTRAINT users_email_check CHECK (length(email) BETWEEN 3 AND 255),
    created_at        timestamptz NOT NULL DEFAULT now(),
    subscription_tier text NOT NULL DEFAULT 'free' CONSTRAINT users_subscription_tier_check
                      CHECK (subscription_tier IN ('free', 'plus', 'patron')),
    emotional_credits integer NOT NULL DEFAULT 1000 CONSTRAINT users_emotional_credits_check
                      CHECK (emotional_credits BETWEEN 0 AND 1000000000),
    version           bigint NOT NULL DEFAULT 1
                      CONSTRAINT users_version_check CHECK (version >= 1)
);

CREATE TABLE soulfra.agents (
    agent_id            text PRIMARY KEY CONSTRAINT agents_agent_id_check
                        CHECK (length(agent_id) <= 100 AND agent_id ~ '^[A-Za-z0-9][A-Za-z0-9_.-]*$'),
    owner_id            uuid NOT NULL REFERENCES soulfra.users (id),
    archetype           text NOT NULL
                        CONSTRAINT agents_archetype_check CHECK (length(archetype) BETWEEN 1 AND 50),
    current_tone        text NOT NULL DEFAULT 'neutral' CONSTRAINT agents_current_tone_check
                        CHECK (current_tone IN ('neutral', 'calm', 'joy', 'hope', 'wonder',
                                                'longing', 'grief', 'fear', 'anger')),
    consciousness_score numeric(3, 2) NOT NULL DEFAULT 0
                        CONSTRAINT agents_consciousness_score_check
                        CHECK (consciousness_score BETWEEN 0 AND 1),
    memory_depth        integer NOT NULL DEFAULT 0 CONSTRAINT agents_memory_depth_check
                        CHECK (memory_depth BETWEEN 0 AND 1000000),
    created_at          timestamptz NOT NULL DEFAULT now(),
    slot                integer NOT NULL
                        CONSTRAINT agents_slot_check CHECK (slot BETWEEN 0 AND 4095),
    version             bigint NOT NULL DEFAULT 1
                        CONSTRAINT agents_version_check CHECK (version >= 1)
) PARTITION BY HASH (agent_id);
CREATE TABLE soulfra.agents_0 PARTITION OF soulfra.agents FOR VALUES WITH (MODULUS 8, REMAINDER 0);
CREATE TABLE soulfra.agents_1 PARTITION OF soulfra.agents FOR VALUES WITH (MODULUS 8, REMAINDER 1);
CREATE TABLE soulfra.agents_2 PARTITION OF soulfra.agents FOR VALUES WITH (MODULUS 8, REMAINDER 2);
CREATE TABLE soulfra.agents_3 PARTITION OF soulfra.agents FOR VALUES WITH (MODULUS 8, REMAINDER 3);
CREATE TABLE soulfra.agents_4 PARTITION OF soulfra.agents FOR VALUES WITH (MODULUS 8, REMAINDER 4);
CREATE TABLE soulfra.agents_5 PARTITION OF soulfra.agents FOR VALUES WITH (MODULUS 8, REMAINDER 5);
CREATE TABLE soulfra.agents_6 PARTITION OF soulfra.agents FOR VALUES WITH (MODULUS 8, REMAINDER 6);
CREATE TABLE soulfra.agents_7 PARTITION OF soulfra.agents FOR VALUES WITH (MODULUS 8, REMAINDER 7);
CREATE INDEX idx_agents_owner ON soulfra.agents (owner_id);

CREATE TABLE soulfra.loops (
    loop_id             text NOT NULL CONSTRAINT loops_loop_id_check
                        CHECK (length(loop_id) <= 100 AND loop_id ~ '^[A-Za-z0-9][A-Za-z0-9_.-]*$'),
    creator_id          uuid NOT NULL REFERENCES soulfra.users (id),
    agent_id            text NOT NULL REFERENCES soulfra.agents (agent_id),
    whisper_origin      text CONSTRAINT loops_whisper_origin_check
                        CHECK (length(whisper_origin) <= 20000),
    consciousness_state jsonb NOT NULL DEFAULT '{}' CONSTRAINT loops_consciousness_state_check
                        CHECK (jsonb_typeof(consciousness_state) = 'object'),
    emotional_tone      text NOT NULL DEFAULT 'neutral' CONSTRAINT loops_emotional_tone_check
                        CHECK (emotional_tone IN ('neutral', 'calm', 'joy', 'hope', 'wonder',
                                                  'longing', 'grief', 'fear', 'anger')),
    created_at          timestamptz NOT NULL DEFAULT now(),
    blessed             boolean NOT NULL DEFAULT false,
    fork_parent         text CONSTRAINT loops_fork_parent_check
                        CHECK (length(fork_parent) <= 100 AND fork_parent ~ '^[A-Za-z0-9][A-Za-z0-9_.-]*$'),
    fork_depth          integer NOT NULL DEFAULT 0 CONSTRAINT loops_fork_depth_check
                        CHECK (fork_depth BETWEEN 0 AND 1000000
                               AND ((fork_parent IS NULL) = (fork_depth = 0))),
    dissolved_at        timestamptz,
    version             bigint NOT NULL DEFAULT 1
                        CONSTRAINT loops_version_check CHECK (version >= 1),
    PRIMARY KEY (loop_id, created_at)
) PARTITION BY RANGE (created_at);
CREATE INDEX idx_loops_creator ON soulfra.loops (creator_id);
CREATE INDEX idx_loops_blessed ON soulfra.loops (blessed) WHERE blessed;
CREATE INDEX idx_loops_created ON soulfra.loops (created_at DESC);
CREATE INDEX idx_loops_fork_parent ON soulfra.loops (fork_parent) WHERE fork_parent IS NOT NULL;

-- No default partition: a loop that others refer to could not be moved out of it. A loop whose
-- month is not made yet is refused, its month is made, and it comes again.
CREATE FUNCTION soulfra.create_loop_months(now timestamptz) RETURNS integer
    LANGUAGE plpgsql STRICT SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO'
    SET lock_timeout = '2s'
AS $$
DECLARE
    made integer := 0;
    month timestamptz;
    part text;
BEGIN
    -- The clock is the owner's to set: the app could make tables without end.
    now := CASE WHEN session_user = current_user THEN now ELSE pg_catalog.now() END;
    PERFORM pg_advisory_xact_lock(hashtext('soulfra.loops'));
    FOR month IN
        SELECT m FROM generate_series(date_trunc('month', now),
                                      date_trunc('month', now) + interval '6 months',
                                      interval '1 month') AS m
    LOOP
        part := format('soulfra.loops_%s', to_char(month, 'YYYY_MM'));
        CONTINUE WHEN to_regclass(part) IS NOT NULL;
        EXECUTE format('CREATE TABLE %s (LIKE soulfra.loops INCLUDING ALL)', part);
        EXECUTE format('ALTER TABLE soulfra.loops ATTACH PARTITION %s FOR VALUES FROM (%L) TO (%L)',
                       part, to_char(month, 'YYYY-MM-DD HH24:MI:SS+00'),
                       to_char(month + interval '1 month', 'YYYY-MM-DD HH24:MI:SS+00'));
        made := made + 1;
    END LOOP;
    RETURN made;
END
$$;
COMMENT ON FUNCTION soulfra.create_loop_months(timestamptz) IS
    'Makes what is missing of the month of the given instant and of the six after it; gives how many it made.';
SELECT soulfra.create_loop_months(now());
