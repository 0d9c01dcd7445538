-- What agents found out, with its tags, its links and a full-text index. Depends on 0001.
-- ensure: SELECT count(*) = 3 FROM pg_catalog.pg_class WHERE relkind = 'r' AND relnamespace = 'core'::regnamespace AND relname IN ('discoveries', 'discovery_tags', 'discovery_links')

CREATE TABLE core.discoveries (
    discovery_id     text PRIMARY KEY,
    agent_id         text NOT NULL REFERENCES core.identities (agent_id),
    type             text NOT NULL
                     CONSTRAINT discoveries_type_check
                     CHECK (type IN ('insight', 'pattern', 'improvement', 'bug_found', 'question',
                         'answer', 'note', 'analysis', 'exploration', 'dialectic_synthesis')),
    severity         text
                     CONSTRAINT discoveries_severity_check
                     CHECK (severity IN ('low', 'medium', 'high', 'critical')),
    status           text NOT NULL DEFAULT 'open'
                     CONSTRAINT discoveries_status_check
                     CHECK (status IN ('open', 'resolved', 'archived')),
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now(),
    resolved_at      timestamptz,
    summary          text NOT NULL
                     CONSTRAINT discoveries_summary_check CHECK (length(summary) > 0),
    details          text NOT NULL DEFAULT '',
    references_files text[] NOT NULL DEFAULT '{}',
    response_to      text REFERENCES core.discoveries (discovery_id) ON DELETE SET NULL,
    response_type    text
                     CONSTRAINT discoveries_response_type_check
                     CHECK (response_type IN ('extend', 'question', 'disagree', 'support') AND
                         (response_to IS NULL OR response_type IS NOT NULL)),
    confidence       double precision
                     CONSTRAINT discoveries_confidence_check CHECK (confidence BETWEEN 0 AND 1),
    energy           double precision
                     CONSTRAINT discoveries_energy_check CHECK (energy BETWEEN 0 AND 1),
    integrity        double precision
                     CONSTRAINT discoveries_integrity_check CHECK (integrity BETWEEN 0 AND 1),
    entropy          double precision
                     CONSTRAINT discoveries_entropy_check CHECK (entropy BETWEEN 0.001 AND 2),
    void             double precision
                     CONSTRAINT discoveries_void_check CHECK (void BETWEEN -2 AND 2),
    coherence        double precision
                     CONSTRAINT discoveries_coherence_check CHECK (coherence BETWEEN 0 AND 1),
    regime           text
                     CONSTRAINT discoveries_regime_check
                     CHECK (regime IN ('STABLE', 'TRANSITION', 'CONVERGENCE', 'DIVERGENCE',
                         'EXPLORATION')),
    provenance       jsonb
                     CONSTRAINT discoveries_provenance_check
                     CHECK (jsonb_typeof(provenance) = 'object'),
    provenance_chain jsonb
                     CONSTRAINT discoveries_provenance_chain_check
                     CHECK (jsonb_typeof(provenance_chain) = 'array'),
    metadata         jsonb NOT NULL DEFAULT '{}'
                     CONSTRAINT discoveries_metadata_check
                     CHECK (jsonb_typeof(metadata) = 'object'),
    search           tsvector GENERATED ALWAYS AS (
                         setweight(to_tsvector('english', summary), 'A')
                         || setweight(to_tsvector('english', details), 'B')) STORED NOT NULL
);
CREATE INDEX discoveries_agent_id_created_at_idx ON core.discoveries (agent_id, created_at DESC);
CREATE INDEX discoveries_created_at_idx ON core.discoveries (created_at DESC);
CREATE INDEX discoveries_type_created_at_idx ON core.discoveries (type, created_at DESC);
CREATE INDEX discoveries_status_created_at_idx ON core.discoveries (status, created_at DESC);
CREATE INDEX discoveries_response_to_idx
    ON core.discoveries (response_to) WHERE response_to IS NOT NULL;
CREATE INDEX discoveries_search_idx ON core.discoveries USING gin (search);

CREATE TABLE core.discovery_tags (
    discovery_id text NOT NULL REFERENCES core.discoveries (discovery_id) ON DELETE CASCADE,
    tag          text NOT NULL CONSTRAINT discovery_tags_tag_check CHECK (length(tag) > 0),
    created_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (discovery_id, tag)
);
CREATE INDEX discovery_tags_tag_idx ON core.discovery_tags (tag);

CREATE TABLE core.discovery_links (
    discovery_id text NOT NULL REFERENCES core.discoveries (discovery_id) ON DELETE CASCADE,
    related_id   text NOT NULL REFERENCES core.discoveries (discovery_id) ON DELETE CASCADE
                 CONSTRAINT discovery_links_related_id_check CHECK (related_id <> discovery_id),
    created_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (discovery_id, related_id)
);
CREATE INDEX discovery_links_related_id_idx ON core.discovery_links (related_id);
