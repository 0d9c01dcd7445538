-- Disputes and what was said in them. Depends on 0001 and 0006.
-- ensure: SELECT count(*) = 2 FROM pg_catalog.pg_class WHERE relkind = 'r' AND relnamespace = 'dialectic'::regnamespace

CREATE SCHEMA dialectic;

CREATE TABLE dialectic.sessions (
    session_id              text PRIMARY KEY,
    session_type            text NOT NULL DEFAULT 'recovery'
                            CONSTRAINT sessions_session_type_check
                            CHECK (session_type IN ('recovery', 'dispute', 'review',
                                'exploration')),
    phase                   text NOT NULL DEFAULT 'thesis'
                            CONSTRAINT sessions_phase_check
                            CHECK (phase IN ('thesis', 'antithesis', 'synthesis', 'resolved',
                                'escalated', 'failed')),
    status                  text NOT NULL DEFAULT 'active'
                            CONSTRAINT sessions_status_check
                            CHECK (status IN ('active', 'resolved', 'escalated', 'failed',
                                'timeout')),
    paused_agent_id         text NOT NULL REFERENCES core.identities (agent_id),
    reviewer_agent_id       text REFERENCES core.identities (agent_id),
    topic                   text,
    reason                  text,
    discovery_id            text REFERENCES core.discoveries (discovery_id) ON DELETE SET NULL,
    dispute_type            text
                            CONSTRAINT sessions_dispute_type_check
                            CHECK (dispute_type IN ('dispute', 'correction', 'verification')),
    synthesis_round         integer NOT NULL DEFAULT 0
                            CONSTRAINT sessions_synthesis_round_check CHECK (synthesis_round >= 0),
    max_synthesis_rounds    integer NOT NULL DEFAULT 5
                            CONSTRAINT sessions_max_synthesis_rounds_check
                            CHECK (max_synthesis_rounds >= 1),
    paused_agent_state_json jsonb
                            CONSTRAINT sessions_paused_agent_state_json_check
                            CHECK (jsonb_typeof(paused_agent_state_json) = 'object'),
    resolution_action       text
                            CONSTRAINT sessions_resolution_action_check
                            CHECK (resolution_action IN ('resume', 'block', 'escalate',
                                'cooldown')),
    resolution_json         jsonb
                            CONSTRAINT sessions_resolution_json_check
                            CHECK (jsonb_typeof(resolution_json) = 'object'),
    created_at              timestamptz NOT NULL DEFAULT now(),
    updated_at              timestamptz NOT NULL DEFAULT now(),
    resolved_at             timestamptz
);
CREATE INDEX sessions_paused_agent_id_created_at_idx
    ON dialectic.sessions (paused_agent_id, created_at DESC);
CREATE INDEX sessions_reviewer_agent_id_idx ON dialectic.sessions (reviewer_agent_id);
CREATE INDEX sessions_discovery_id_idx
    ON dialectic.sessions (discovery_id) WHERE discovery_id IS NOT NULL;
CREATE INDEX sessions_status_created_at_idx ON dialectic.sessions (status, created_at DESC);

CREATE TABLE dialectic.messages (
    message_id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    session_id          text NOT NULL REFERENCES dialectic.sessions (session_id) ON DELETE CASCADE,
    seq                 integer NOT NULL CONSTRAINT messages_seq_check CHECK (seq >= 0),
    agent_id            text NOT NULL REFERENCES core.identities (agent_id),
    message_type        text NOT NULL
                        CONSTRAINT messages_message_type_check
                        CHECK (message_type IN ('thesis', 'antithesis', 'synthesis')),
    recorded_at         timestamptz NOT NULL DEFAULT now(),
    root_cause          text,
    proposed_conditions jsonb
                        CONSTRAINT messages_proposed_conditions_check
                        CHECK (jsonb_typeof(proposed_conditions) = 'array'),
    reasoning           text,
    observed_metrics    jsonb
                        CONSTRAINT messages_observed_metrics_check
                        CHECK (jsonb_typeof(observed_metrics) = 'object'),
    concerns            jsonb
                        CONSTRAINT messages_concerns_check CHECK (jsonb_typeof(concerns) = 'array'),
    agrees              boolean,
    signature           text,
    CONSTRAINT messages_key UNIQUE (session_id, seq)
);
CREATE INDEX messages_agent_id_recorded_at_idx ON dialectic.messages (agent_id, recorded_at DESC);
