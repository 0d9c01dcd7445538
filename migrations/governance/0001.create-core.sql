-- Identities, their sessions and the state that each check-in leaves. Depends on nothing.

CREATE SCHEMA core;
COMMENT ON SCHEMA core IS 'Agents and what they reported. Written by governance only.';

CREATE TABLE core.identities (
    identity_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    agent_id        text NOT NULL UNIQUE,
    status          text NOT NULL DEFAULT 'active'
                    CONSTRAINT identities_status_check CHECK (status IN
                        ('active', 'paused', 'archived', 'disabled', 'deleted', 'waiting_input')),
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    parent_agent_id text REFERENCES core.identities (agent_id),
    label           text,
    purpose         text,
    notes           text,
    tags            text[] NOT NULL DEFAULT '{}',
    metadata        jsonb NOT NULL DEFAULT '{}'
                    CONSTRAINT identities_metadata_check CHECK (jsonb_typeof(metadata) = 'object')
);
COMMENT ON TABLE core.identities IS 'One row per agent, created by its first check-in.';

CREATE TABLE core.sessions (
    session_id  text PRIMARY KEY,
    identity_id bigint NOT NULL REFERENCES core.identities (identity_id) ON DELETE CASCADE,
    created_at  timestamptz NOT NULL DEFAULT now(),
    last_active timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz NOT NULL,
    metadata    jsonb NOT NULL DEFAULT '{}'
                CONSTRAINT sessions_metadata_check CHECK (jsonb_typeof(metadata) = 'object')
);
CREATE INDEX sessions_identity_id_idx ON core.sessions (identity_id);
CREATE INDEX sessions_expires_at_idx ON core.sessions (expires_at);
COMMENT ON TABLE core.sessions IS 'Which agent a session belongs to. Redis caches it.';

CREATE TABLE core.agent_state (
    state_id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    identity_id        bigint NOT NULL REFERENCES core.identities (identity_id) ON DELETE CASCADE,
    boot_id            text NOT NULL,
    seq                bigint NOT NULL CONSTRAINT agent_state_seq_check CHECK (seq >= 0),
    body_sha256        bytea NOT NULL
                       CONSTRAINT agent_state_body_sha256_check CHECK (length(body_sha256) = 32),
    recorded_at        timestamptz NOT NULL,
    received_at        timestamptz NOT NULL,
    late               boolean NOT NULL,
    energy             double precision NOT NULL
                       CONSTRAINT agent_state_energy_check CHECK (energy BETWEEN 0 AND 1),
    integrity          double precision NOT NULL
                       CONSTRAINT agent_state_integrity_check CHECK (integrity BETWEEN 0 AND 1),
    entropy            double precision NOT NULL
                       CONSTRAINT agent_state_entropy_check CHECK (entropy BETWEEN 0.001 AND 2),
    void               double precision NOT NULL
                       CONSTRAINT agent_state_void_check CHECK (void BETWEEN -2 AND 2),
    coherence          double precision NOT NULL
                       CONSTRAINT agent_state_coherence_check CHECK (coherence BETWEEN 0 AND 1),
    regime             text NOT NULL
                       CONSTRAINT agent_state_regime_check CHECK (regime IN
                           ('STABLE', 'TRANSITION', 'CONVERGENCE', 'DIVERGENCE', 'EXPLORATION')),
    health             text NOT NULL
                       CONSTRAINT agent_state_health_check CHECK (health IN
                           ('healthy', 'moderate', 'critical')),
    risk               double precision NOT NULL
                       CONSTRAINT agent_state_risk_check CHECK (risk BETWEEN 0 AND 1),
    action             text NOT NULL
                       CONSTRAINT agent_state_action_check CHECK (action IN ('proceed', 'pause')),
    margin             text NOT NULL
                       CONSTRAINT agent_state_margin_check CHECK (margin IN
                           ('comfortable', 'tight', 'warning', 'critical')),
    nearest_edge       text NOT NULL
                       CONSTRAINT agent_state_nearest_edge_check CHECK (nearest_edge IN
                           ('risk', 'coherence', 'void')),
    reason             text NOT NULL,
    reported_energy    double precision CONSTRAINT agent_state_reported_energy_check
                       CHECK (reported_energy BETWEEN 0 AND 1),
    reported_integrity double precision CONSTRAINT agent_state_reported_integrity_check
                       CHECK (reported_integrity BETWEEN 0 AND 1),
    reported_entropy   double precision CONSTRAINT agent_state_reported_entropy_check
                       CHECK (reported_entropy BETWEEN 0 AND 1),
    reported_void      double precision CONSTRAINT agent_state_reported_void_check
                       CHECK (reported_void BETWEEN -1 AND 1),
    warmth             double precision NOT NULL
                       CONSTRAINT agent_state_warmth_check CHECK (warmth BETWEEN 0 AND 1),
    clarity            double precision NOT NULL
                       CONSTRAINT agent_state_clarity_check CHECK (clarity BETWEEN 0 AND 1),
    stability          double precision NOT NULL
                       CONSTRAINT agent_state_stability_check CHECK (stability BETWEEN 0 AND 1),
    presence           double precision NOT NULL
                       CONSTRAINT agent_state_presence_check CHECK (presence BETWEEN 0 AND 1),
    state_json         jsonb NOT NULL
                       CONSTRAINT agent_state_state_json_check
                       CHECK (jsonb_typeof(state_json) = 'object'),
    CONSTRAINT agent_state_key UNIQUE (identity_id, boot_id, seq)
);
CREATE INDEX agent_state_identity_id_recorded_at_idx
    ON core.agent_state (identity_id, recorded_at DESC);
-- The newest state is the one that came last: a Pi without a clock wakes in 1970.
CREATE INDEX agent_state_identity_id_state_id_idx
    ON core.agent_state (identity_id, state_id DESC) WHERE NOT late;
COMMENT ON TABLE core.agent_state IS
    'One row per acknowledged check-in: what the Pi felt, the governance EISV, the verdict.';
COMMENT ON COLUMN core.agent_state.late IS
    'Came after a higher seq of its boot: kept, but never the newest nor stepped from.';

CREATE TABLE core.calibration (
    singleton  boolean PRIMARY KEY DEFAULT true
               CONSTRAINT calibration_singleton_check CHECK (singleton),
    data       jsonb NOT NULL
               CONSTRAINT calibration_data_check CHECK (jsonb_typeof(data) = 'object'),
    version    integer NOT NULL DEFAULT 1,
    updated_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE core.calibration IS 'The thresholds of a verdict; one row, read at start.';

INSERT INTO core.calibration (data)
VALUES ('{"risk_low": 0.35, "risk_pause": 0.60, "coherence_pause": 0.40, "void_pause": 0.15}');

CREATE TABLE core.probe (
    singleton  boolean PRIMARY KEY DEFAULT true
               CONSTRAINT probe_singleton_check CHECK (singleton),
    updated_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE core.probe IS
    'When governance last proved that it can write; one row, no data of anyone.';

INSERT INTO core.probe DEFAULT VALUES;
