CREATE TABLE schema_version (name TEXT PRIMARY KEY, version INTEGER NOT NULL);
CREATE TABLE agent_metadata (
    agent_id TEXT PRIMARY KEY, status TEXT NOT NULL, created_at TEXT NOT NULL,
    last_update TEXT NOT NULL, version TEXT, total_updates INTEGER NOT NULL DEFAULT 0,
    tags_json TEXT, notes TEXT, lifecycle_events_json TEXT, paused_at TEXT, archived_at TEXT,
    parent_agent_id TEXT, spawn_reason TEXT, api_key TEXT, recent_update_timestamps_json TEXT,
    recent_decisions_json TEXT, loop_detected_at TEXT, loop_cooldown_until TEXT,
    last_response_at TEXT, response_completed INTEGER NOT NULL DEFAULT 0, health_status TEXT,
    dialectic_conditions_json TEXT, active_session_key TEXT, session_bound_at TEXT
);
ALTER TABLE agent_metadata ADD COLUMN purpose TEXT;
ALTER TABLE agent_metadata ADD COLUMN agent_uuid TEXT;
ALTER TABLE agent_metadata ADD COLUMN label TEXT;
CREATE INDEX idx_agent_metadata_status ON agent_metadata (status);
CREATE INDEX idx_agent_metadata_last_update ON agent_metadata (last_update);
CREATE TABLE session_identities (
    session_key TEXT PRIMARY KEY, agent_id TEXT, api_key TEXT, bound_at TEXT, updated_at TEXT,
    bind_count INTEGER
);
CREATE TABLE agent_state (
    agent_id TEXT PRIMARY KEY, E REAL NOT NULL DEFAULT 0.5, I REAL NOT NULL DEFAULT 1.0,
    S REAL NOT NULL DEFAULT 0.2, V REAL NOT NULL DEFAULT 0, coherence REAL NOT NULL DEFAULT 1,
    regime TEXT NOT NULL DEFAULT 'DIVERGENCE', update_count INTEGER NOT NULL DEFAULT 0,
    void_active INTEGER NOT NULL DEFAULT 0, created_at TEXT NOT NULL, updated_at TEXT NOT NULL,
    state_json TEXT NOT NULL
);
CREATE TABLE audit_events (
    id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp TEXT NOT NULL, agent_id TEXT NOT NULL,
    event_type TEXT NOT NULL, confidence REAL NOT NULL, details_json TEXT NOT NULL,
    metadata_json TEXT, raw_hash TEXT UNIQUE
);
CREATE INDEX idx_audit_agent ON audit_events (agent_id, timestamp);
CREATE INDEX idx_audit_type ON audit_events (event_type, timestamp);
CREATE INDEX idx_audit_agent_type ON audit_events (agent_id, event_type, timestamp);
CREATE VIRTUAL TABLE audit_events_fts USING fts5 (
    details_text, agent_id, event_type, id UNINDEXED
);
CREATE TRIGGER audit_events_ai AFTER INSERT ON audit_events BEGIN
    INSERT INTO audit_events_fts (rowid, details_text, agent_id, event_type, id)
    VALUES (new.id, new.details_json, new.agent_id, new.event_type, new.id);
END;
CREATE TRIGGER audit_events_ad AFTER DELETE ON audit_events BEGIN
    DELETE FROM audit_events_fts WHERE rowid = old.id;
END;
CREATE TRIGGER audit_events_au AFTER UPDATE ON audit_events BEGIN
    UPDATE audit_events_fts SET details_text = new.details_json WHERE rowid = new.id;
END;
CREATE TABLE calibration_state (
    id INTEGER PRIMARY KEY CHECK (id = 1), state_json TEXT NOT NULL, updated_at TEXT NOT NULL
);
CREATE TABLE dialectic_sessions (
    session_id TEXT PRIMARY KEY, paused_agent_id TEXT NOT NULL, reviewer_agent_id TEXT, phase TEXT,
    status TEXT, created_at TEXT NOT NULL, updated_at TEXT, reason TEXT, discovery_id TEXT,
    dispute_type TEXT, session_type TEXT, topic TEXT, max_synthesis_rounds INTEGER,
    synthesis_round INTEGER, paused_agent_state_json TEXT, resolution_json TEXT
);
CREATE TABLE dialectic_messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT, session_id TEXT, agent_id TEXT, message_type TEXT,
    timestamp TEXT, root_cause TEXT, proposed_conditions_json TEXT, reasoning TEXT,
    observed_metrics_json TEXT, concerns_json TEXT, agrees INTEGER, signature TEXT
);
