-- How fast agents, loops and all together drift, as a follower of the log counts it; and an index of
-- what guilds decided, newest first.
-- depends: 0006.create-shards
-- ensure: SELECT count(*) = 1 FROM drift.volatility
-- ensure: SELECT count(*) = 1 FROM pg_catalog.pg_indexes WHERE schemaname = 'drift' AND indexname = 'ratings_level_idx'

CREATE SCHEMA drift;

CREATE TABLE drift.ratings (
    entity     text NOT NULL
               CONSTRAINT ratings_entity_check CHECK (entity IN ('agent', 'loop')),
    id         text NOT NULL CONSTRAINT ratings_id_check
               CHECK (length(id) <= 100 AND id ~ '^[A-Za-z0-9][A-Za-z0-9_.-]*$'),
    level      double precision NOT NULL,
    shifts     bigint NOT NULL CONSTRAINT ratings_shifts_check CHECK (shifts >= 0),
    shifted_at timestamptz NOT NULL,
    PRIMARY KEY (entity, id)
);
-- Levels do not decay: this is the order of the ratings at any instant.
CREATE INDEX ratings_level_idx ON drift.ratings (level DESC);

CREATE TABLE drift.volatility (
    singleton  boolean PRIMARY KEY DEFAULT true
               CONSTRAINT volatility_singleton_check CHECK (singleton),
    level      double precision,
    agents     bigint NOT NULL DEFAULT 0 CONSTRAINT volatility_agents_check CHECK (agents >= 0),
    loops      bigint NOT NULL DEFAULT 0 CONSTRAINT volatility_loops_check CHECK (loops >= 0),
    shifts     bigint NOT NULL DEFAULT 0 CONSTRAINT volatility_shifts_check CHECK (shifts >= 0),
    shifted_at timestamptz
);
INSERT INTO drift.volatility (singleton) VALUES (true);

-- Of few rows: most votings are everybody's.
CREATE INDEX votings_closed_at_idx ON soulfra.votings (closed_at DESC)
 WHERE guild_id IS NOT NULL AND closed_at IS NOT NULL;
