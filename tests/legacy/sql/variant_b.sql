CREATE TABLE schema_version (name TEXT PRIMARY KEY, version INTEGER NOT NULL);
CREATE TABLE agent_metadata (
    agent_id TEXT PRIMARY KEY, api_key TEXT NOT NULL, created_at TEXT NOT NULL, updated_at TEXT,
    status TEXT DEFAULT 'active', parent_agent_id TEXT, spawn_reason TEXT, disabled_at TEXT,
    tags_json TEXT DEFAULT '[]', lifecycle_events_json TEXT DEFAULT '[]',
    metadata_json TEXT DEFAULT '{}'
);
CREATE TABLE session_identities (
    session_id TEXT PRIMARY KEY, agent_id TEXT NOT NULL REFERENCES agent_metadata (agent_id),
    created_at TEXT NOT NULL, last_active TEXT NOT NULL, expires_at TEXT NOT NULL,
    is_active INTEGER DEFAULT 1, client_type TEXT, client_info_json TEXT, metadata_json TEXT
);
CREATE TABLE agent_state (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    agent_id TEXT NOT NULL REFERENCES agent_metadata (agent_id), recorded_at TEXT NOT NULL,
    entropy REAL DEFAULT 0.5, integrity REAL DEFAULT 0.5, stability_index REAL DEFAULT 0.5,
    volatility REAL DEFAULT 0.1, regime TEXT DEFAULT 'nominal', coherence REAL DEFAULT 1.0,
    state_json TEXT
);
CREATE TABLE audit_events (
    id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp TEXT NOT NULL, event_id TEXT, agent_id TEXT,
    session_id TEXT, event_type TEXT NOT NULL, confidence REAL DEFAULT 1.0,
    details_json TEXT NOT NULL, raw_hash TEXT UNIQUE
);
CREATE TABLE tool_usage (
    id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp TEXT NOT NULL, usage_id TEXT, agent_id TEXT,
    session_id TEXT, tool_name TEXT NOT NULL, latency_ms INTEGER, success INTEGER DEFAULT 1,
    error_type TEXT, payload_json TEXT
);
CREATE TABLE calibration_state (
    id INTEGER PRIMARY KEY CHECK (id = 1), updated_at TEXT, version INTEGER DEFAULT 1,
    state_json TEXT
);
