-- Guilds, votings, votes and the blessings that were agreed on.
-- depends: 0002.create-loops
-- ensure: SELECT count(*) = 5 FROM pg_catalog.pg_tables WHERE schemaname = 'soulfra' AND tablename IN ('guilds', 'guild_members', 'votings', 'votes', 'blessings')

CREATE TABLE soulfra.guilds (
    guild_id   text PRIMARY KEY CONSTRAINT guilds_guild_id_check
               CHECK (length(guild_id) <= 100 AND guild_id ~ '^[A-Za-z0-9][A-Za-z0-9_.-]*$'),
    name       text NOT NULL UNIQUE
               CONSTRAINT guilds_name_check CHECK (length(name) BETWEEN 1 AND 255),
    threshold  numeric(3, 2) NOT NULL DEFAULT 0.5
               CONSTRAINT guilds_threshold_check CHECK (threshold BETWEEN 0 AND 1),
    founded_by text NOT NULL REFERENCES soulfra.agents (agent_id),
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE soulfra.guild_members (
    guild_id  text NOT NULL REFERENCES soulfra.guilds (guild_id),
    agent_id  text NOT NULL REFERENCES soulfra.agents (agent_id),
    joined_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (guild_id, agent_id)
);
CREATE INDEX guild_members_agent_id_idx ON soulfra.guild_members (agent_id);

CREATE TABLE soulfra.votings (
    voting_id       text PRIMARY KEY CONSTRAINT votings_voting_id_check
                    CHECK (length(voting_id) <= 100 AND voting_id ~ '^[A-Za-z0-9][A-Za-z0-9_.-]*$'),
    loop_id         text NOT NULL,
    loop_created_at timestamptz NOT NULL,
    guild_id        text REFERENCES soulfra.guilds (guild_id),
    opened_by       text NOT NULL REFERENCES soulfra.agents (agent_id),
    threshold       numeric(3, 2) NOT NULL DEFAULT 0.5
                    CONSTRAINT votings_threshold_check CHECK (threshold BETWEEN 0 AND 1),
    quorum          integer NOT NULL DEFAULT 1
                    CONSTRAINT votings_quorum_check CHECK (quorum BETWEEN 1 AND 10000),
    status          text NOT NULL DEFAULT 'open' CONSTRAINT votings_status_check
                    CHECK (status IN ('open', 'granted', 'refused')),
    opened_at       timestamptz NOT NULL DEFAULT now(),
    closed_at       timestamptz CONSTRAINT votings_closed_at_check
                    CHECK ((status = 'open') = (closed_at IS NULL)),
    CONSTRAINT votings_loop_fkey FOREIGN KEY (loop_id, loop_created_at)
        REFERENCES soulfra.loops (loop_id, created_at)
);
CREATE INDEX votings_loop_id_idx ON soulfra.votings (loop_id);
CREATE INDEX votings_opened_at_idx ON soulfra.votings (opened_at) WHERE status = 'open';

CREATE TABLE soulfra.votes (
    voting_id text NOT NULL REFERENCES soulfra.votings (voting_id),
    agent_id  text NOT NULL REFERENCES soulfra.agents (agent_id),
    approves  boolean NOT NULL,
    cast_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (voting_id, agent_id)
);
CREATE INDEX votes_agent_id_idx ON soulfra.votes (agent_id);

CREATE TABLE soulfra.blessings (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    loop_id         text NOT NULL,
    loop_created_at timestamptz NOT NULL,
    voting_id       text NOT NULL REFERENCES soulfra.votings (voting_id),
    blessed_by      text NOT NULL REFERENCES soulfra.agents (agent_id),
    blessing_type   text NOT NULL CONSTRAINT blessings_blessing_type_check
                    CHECK (blessing_type IN ('open', 'guild')),
    consensus_score numeric(3, 2) NOT NULL CONSTRAINT blessings_consensus_score_check
                    CHECK (consensus_score BETWEEN 0 AND 1),
    timestamp       timestamptz NOT NULL DEFAULT now(),
    metadata        jsonb NOT NULL DEFAULT '{}'
                    CONSTRAINT blessings_metadata_check CHECK (jsonb_typeof(metadata) = 'object'),
    CONSTRAINT blessings_voting_id_key UNIQUE (voting_id),
    CONSTRAINT blessings_loop_fkey FOREIGN KEY (loop_id, loop_created_at)
        REFERENCES soulfra.loops (loop_id, created_at)
);
CREATE INDEX idx_blessings_loop ON soulfra.blessings (loop_id);
