-- What comes over from the old stores: how far, what not, and states without a verdict.
-- Depends on 0001 and 0003.
-- depends: 0020.add-partition-steps
-- ensure: SELECT count(*) = 4 FROM pg_catalog.pg_class WHERE relkind = 'r' AND relnamespace = 'legacy'::regnamespace
-- ensure: SELECT pg_catalog.pg_get_viewdef('core.agents'::regclass) LIKE '%legacy.agent_state%'

CREATE SCHEMA legacy;

CREATE TABLE legacy.runs (
    directory   text PRIMARY KEY,
    zone        text NOT NULL,
    begun_at    timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    redraw_due   boolean NOT NULL DEFAULT false
);

CREATE TABLE legacy.positions (
    file        text NOT NULL,
    part        text NOT NULL,
    after       jsonb CONSTRAINT positions_after_check CHECK (jsonb_typeof(after) = 'array'),
    head_sha256 bytea CONSTRAINT positions_head_sha256_check CHECK (length(head_sha256) = 32),
    read        bigint NOT NULL DEFAULT 0 CONSTRAINT positions_read_check CHECK (read >= 0),
    taken       bigint NOT NULL DEFAULT 0 CONSTRAINT positions_taken_check CHECK (taken >= 0),
    rejected    bigint NOT NULL DEFAULT 0
                CONSTRAINT positions_rejected_check CHECK (rejected >= 0),
    folds       bigint NOT NULL DEFAULT 0 CONSTRAINT positions_folds_check CHECK (folds >= 0),
    gaps        bigint NOT NULL DEFAULT 0 CONSTRAINT positions_gaps_check CHECK (gaps >= 0),
    finished_at timestamptz,
    updated_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (file, part)
);

CREATE TABLE legacy.rejected (
    file        text NOT NULL,
    part        text NOT NULL,
    old_key     text NOT NULL,
    reason      text NOT NULL,
    rejected_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (file, part, old_key)
);

-- Ranges are those of the old server: nothing is bent to what is measured today.
CREATE TABLE legacy.agent_state (
    identity_id bigint NOT NULL REFERENCES core.identities (identity_id) ON DELETE CASCADE,
    recorded_at timestamptz NOT NULL,
    seq         bigint NOT NULL,
    energy      double precision,
    integrity   double precision,
    entropy     double precision,
    void        double precision,
    coherence   double precision,
    regime      text,
    state_json  jsonb CONSTRAINT agent_state_state_json_check
                CHECK (jsonb_typeof(state_json) = 'object'),
    PRIMARY KEY (identity_id, recorded_at, seq)
);

-- An agent as whichever server had it last; the old one had no verdict.
CREATE OR REPLACE VIEW core.agents AS
SELECT i.identity_id, i.agent_id, i.status, i.label, i.purpose, i.created_at, i.updated_at,
       s.recorded_at AS last_recorded_at, s.received_at AS last_received_at,
       s.energy, s.integrity, s.entropy, s.void, s.coherence, s.regime, s.health, s.risk, s.action,
       s.margin
  FROM core.identities AS i
  LEFT JOIN LATERAL (
       (SELECT a.recorded_at, a.received_at, a.energy, a.integrity, a.entropy, a.void,
               a.coherence, a.regime, a.health, a.risk, a.action, a.margin
          FROM core.agent_state AS a
         WHERE a.identity_id = i.identity_id AND NOT a.late
         ORDER BY a.state_id DESC
         LIMIT 1)
       UNION ALL
       (SELECT l.recorded_at, NULL, l.energy, l.integrity, l.entropy, l.void, l.coherence,
               l.regime, NULL, NULL, NULL, NULL
          FROM legacy.agent_state AS l
         WHERE l.identity_id = i.identity_id
         ORDER BY l.recorded_at DESC, l.seq DESC
         LIMIT 1)
       ORDER BY recorded_at DESC, received_at NULLS LAST
       LIMIT 1) AS s ON true;
