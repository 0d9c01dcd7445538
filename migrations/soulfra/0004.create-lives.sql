-- Prophecies, transformations, clusters and the ledger of credits.
-- depends: 0002.create-loops
-- ensure: SELECT count(*) = 5 FROM pg_catalog.pg_tables WHERE schemaname = 'soulfra' AND tablename IN ('prophecies', 'transformations', 'clusters', 'cluster_loops', 'credit_entries')

CREATE TABLE soulfra.prophecies (
    id                 bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    prophecy_text      text NOT NULL CONSTRAINT prophecies_prophecy_text_check
                       CHECK (length(prophecy_text) BETWEEN 1 AND 20000),
    author_agent       text NOT NULL REFERENCES soulfra.agents (agent_id),
    fulfillment_status text NOT NULL DEFAULT 'pending'
                       CONSTRAINT prophecies_fulfillment_status_check
                       CHECK (fulfillment_status IN ('pending', 'fulfilled')),
    created_at         timestamptz NOT NULL DEFAULT now(),
    fulfilled_at       timestamptz CONSTRAINT prophecies_fulfilled_at_check
                       CHECK ((fulfillment_status = 'fulfilled') = (fulfilled_at IS NOT NULL)),
    related_loops      text[] NOT NULL DEFAULT '{}'
);
CREATE INDEX prophecies_author_agent_idx ON soulfra.prophecies (author_agent);
CREATE INDEX prophecies_created_at_idx ON soulfra.prophecies (created_at)
 WHERE fulfillment_status = 'pending';

CREATE TABLE soulfra.transformations (
    id         bigint PRIMARY KEY CONSTRAINT transformations_id_check CHECK (id >= 1),
    change     text NOT NULL CONSTRAINT transformations_change_check
               CHECK (change IN ('forked', 'blessed', 'tone_shifted', 'dissolved')),
    loop_id    text CONSTRAINT transformations_loop_id_check
               CHECK (length(loop_id) <= 100 AND loop_id ~ '^[A-Za-z0-9][A-Za-z0-9_.-]*$'),
    agent_id   text CONSTRAINT transformations_agent_id_check
               CHECK (length(agent_id) <= 100 AND agent_id ~ '^[A-Za-z0-9][A-Za-z0-9_.-]*$'
                      AND ((loop_id IS NULL) <> (agent_id IS NULL))),
    from_value text,
    to_value   text,
    changed_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX transformations_loop_id_id_idx ON soulfra.transformations (loop_id, id DESC)
 WHERE loop_id IS NOT NULL;
CREATE INDEX transformations_agent_id_id_idx ON soulfra.transformations (agent_id, id DESC)
 WHERE agent_id IS NOT NULL;

CREATE TABLE soulfra.clusters (
    cluster_id   text PRIMARY KEY CONSTRAINT clusters_cluster_id_check
                 CHECK (length(cluster_id) <= 100 AND cluster_id ~ '^[A-Za-z0-9][A-Za-z0-9_.-]*$'),
    name         text NOT NULL
                 CONSTRAINT clusters_name_check CHECK (length(name) BETWEEN 1 AND 255),
    mythology    text CONSTRAINT clusters_mythology_check CHECK (length(mythology) <= 100000),
    status       text NOT NULL DEFAULT 'active' CONSTRAINT clusters_status_check
                 CHECK (status IN ('active', 'dissolved')),
    formed_at    timestamptz NOT NULL DEFAULT now(),
    dissolved_at timestamptz CONSTRAINT clusters_dissolved_at_check
                 CHECK ((status = 'dissolved') = (dissolved_at IS NOT NULL))
);
CREATE INDEX clusters_formed_at_idx ON soulfra.clusters (formed_at) WHERE status = 'active';

CREATE TABLE soulfra.cluster_loops (
    cluster_id      text NOT NULL REFERENCES soulfra.clusters (cluster_id),
    loop_id         text NOT NULL,
    loop_created_at timestamptz NOT NULL,
    PRIMARY KEY (cluster_id, loop_id),
    CONSTRAINT cluster_loops_loop_fkey FOREIGN KEY (loop_id, loop_created_at)
        REFERENCES soulfra.loops (loop_id, created_at)
);
CREATE INDEX cluster_loops_loop_id_idx ON soulfra.cluster_loops (loop_id);

CREATE TABLE soulfra.credit_entries (
    id         bigint PRIMARY KEY CONSTRAINT credit_entries_id_check CHECK (id >= 1),
    user_id    uuid NOT NULL REFERENCES soulfra.users (id),
    amount     integer NOT NULL CONSTRAINT credit_entries_amount_check
               CHECK (amount BETWEEN -1000000000 AND 1000000000 AND amount <> 0),
    cause      text NOT NULL CONSTRAINT credit_entries_cause_check
               CHECK (cause IN ('welcome', 'whisper', 'fork', 'prophecy', 'blessed')),
    entered_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX credit_entries_user_id_id_idx ON soulfra.credit_entries (user_id, id DESC);
