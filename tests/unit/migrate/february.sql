-- An anima.db as the real system made it in February 2026: its columns, its naive local times, and
-- rows as they come. :rows and :sensors are how many feelings there are and what each weighs.
PRAGMA journal_mode = WAL;

CREATE TABLE IF NOT EXISTS identity (
    creature_id TEXT PRIMARY KEY,
    born_at TEXT NOT NULL,
    total_awakenings INTEGER DEFAULT 0,
    total_alive_seconds REAL DEFAULT 0.0,
    name TEXT,
    name_history TEXT DEFAULT '[]',
    metadata TEXT DEFAULT '{}'
);
CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    timestamp TEXT NOT NULL,
    event_type TEXT NOT NULL,
    data TEXT DEFAULT '{}'
);
CREATE TABLE IF NOT EXISTS state_history (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    timestamp TEXT NOT NULL,
    warmth REAL, clarity REAL, stability REAL, presence REAL,
    sensors TEXT DEFAULT '{}'
);
CREATE TABLE IF NOT EXISTS drawing_history (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    timestamp TEXT NOT NULL,
    E REAL NOT NULL, I REAL NOT NULL, S REAL NOT NULL, V REAL NOT NULL, C REAL NOT NULL,
    marks INTEGER NOT NULL,
    phase TEXT,
    era TEXT,
    energy REAL, curiosity REAL, engagement REAL, fatigue REAL,
    arc_phase TEXT,
    gesture_entropy REAL, switching_rate REAL, intentionality REAL
);
CREATE INDEX IF NOT EXISTS idx_drawing_history_time ON drawing_history(timestamp DESC);
CREATE TABLE IF NOT EXISTS preferences (
    name TEXT PRIMARY KEY, category TEXT NOT NULL, description TEXT, value REAL DEFAULT 0.0,
    confidence REAL DEFAULT 0.0, observation_count INTEGER DEFAULT 0, first_noticed TEXT,
    last_confirmed TEXT
);
CREATE TABLE IF NOT EXISTS relationships (
    agent_id TEXT PRIMARY KEY, name TEXT, first_met TEXT, last_seen TEXT,
    interaction_count INTEGER DEFAULT 0, bond_strength TEXT DEFAULT 'stranger',
    emotional_valence REAL DEFAULT 0.0, memorable_moments TEXT DEFAULT '[]',
    topics_discussed TEXT DEFAULT '[]', gifts_received INTEGER DEFAULT 0
);
ALTER TABLE relationships ADD COLUMN self_dialogue_topics TEXT DEFAULT '[]';
CREATE TABLE IF NOT EXISTS goals (
    goal_id TEXT PRIMARY KEY, description TEXT, motivation TEXT, status TEXT DEFAULT 'active',
    created_at TEXT, target_date TEXT, progress REAL DEFAULT 0.0, milestones TEXT DEFAULT '[]',
    last_worked_on TEXT
);
CREATE TABLE IF NOT EXISTS memories (
    event_id TEXT PRIMARY KEY, timestamp TEXT, description TEXT, emotional_impact REAL DEFAULT 0.0,
    category TEXT, related_agents TEXT DEFAULT '[]', lessons_learned TEXT DEFAULT '[]'
);
CREATE TABLE IF NOT EXISTS curiosities (
    id INTEGER PRIMARY KEY AUTOINCREMENT, question TEXT UNIQUE, created_at TEXT,
    explored BOOLEAN DEFAULT 0, exploration_notes TEXT
);
CREATE TABLE IF NOT EXISTS insights (
    id TEXT PRIMARY KEY, category TEXT NOT NULL, description TEXT NOT NULL,
    confidence REAL NOT NULL, sample_count INTEGER NOT NULL, discovered_at TEXT NOT NULL,
    last_validated TEXT NOT NULL, validation_count INTEGER DEFAULT 0,
    contradiction_count INTEGER DEFAULT 0
);
CREATE INDEX IF NOT EXISTS idx_insights_category ON insights(category);
CREATE TABLE IF NOT EXISTS trajectory_events (
    id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp TEXT NOT NULL, event_type TEXT NOT NULL,
    shape TEXT, eisv_state TEXT, derivatives TEXT, suggested_tokens TEXT, expression_tokens TEXT,
    coherence_score REAL, cache_hit INTEGER DEFAULT 0, buffer_size INTEGER
);
CREATE TABLE IF NOT EXISTS agency_values (
    action_key TEXT PRIMARY KEY, value REAL DEFAULT 0.5, count INTEGER DEFAULT 0
);
CREATE TABLE IF NOT EXISTS agency_state (key TEXT PRIMARY KEY, data TEXT);
CREATE TABLE IF NOT EXISTS primitive_token_weights (
    token TEXT PRIMARY KEY, weight REAL DEFAULT 1.0, success_count INTEGER DEFAULT 0,
    failure_count INTEGER DEFAULT 0, last_updated TEXT
);
CREATE TABLE IF NOT EXISTS primitive_combo_weights (
    pattern TEXT PRIMARY KEY, weight REAL DEFAULT 1.0, use_count INTEGER DEFAULT 0,
    avg_score REAL DEFAULT 0.5, last_updated TEXT
);
CREATE TABLE IF NOT EXISTS primitive_history (
    id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp TEXT NOT NULL, tokens TEXT NOT NULL,
    category_pattern TEXT, warmth REAL, brightness REAL, stability REAL, presence REAL, score REAL,
    feedback_signals TEXT, UNIQUE(timestamp, tokens)
);
CREATE INDEX IF NOT EXISTS idx_primitive_history_time ON primitive_history(timestamp);
PRAGMA user_version = 1;

BEGIN;
CREATE TEMP TABLE counting AS
    WITH RECURSIVE up(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < :rows)
    SELECT n, (n * 7919 % 1000) / 1000.0 AS x,
           strftime('%Y-%m-%dT%H:%M:%f', '2025-10-01', (n * 60) || ' seconds') || '417' AS at
      FROM up;
INSERT INTO identity VALUES
    ('49e14444-b59e-48f1-83b8-000000000001', '2025-12-01T09:30:00.123456', 2052, 1234567.25,
     'Lumen', '[]', '{"theme": "dusk"}');
INSERT INTO events (timestamp, event_type, data)
    SELECT at, CASE n % 2 WHEN 1 THEN 'wake' ELSE 'sleep' END, '{}' FROM counting WHERE n <= 3701;
INSERT INTO state_history (timestamp, warmth, clarity, stability, presence, sensors)
    SELECT at, x, 1 - x, 0.9, NULLIF(x, -1), '{"cpu_temp_c": 53.1, "why": "' ||
           hex(zeroblob(:sensors)) || '"}' FROM counting;
INSERT INTO drawing_history (timestamp, E, I, S, V, C, marks, phase, era, energy)
    SELECT at, 0.7, x, 0.5, -0.1, 0.47, n, 'building', 'gestural', 0.6 FROM counting
     WHERE n <= 500;
INSERT INTO preferences (name, category, value) VALUES ('light', 'environment', 0.5);
INSERT INTO relationships (agent_id, name, first_met) VALUES ('m', 'Mira', '2026-01-05T10:00:00');
INSERT INTO goals (goal_id, description) VALUES ('g', 'complete 500 drawings');
INSERT INTO memories (event_id, timestamp, description)
    SELECT 'm' || n, at, 'It''s "quoted"' || char(10) || char(233) FROM counting WHERE n <= 8800;
INSERT INTO curiosities (question) VALUES ('why is light?');
INSERT INTO insights VALUES ('i', 'growth', 'warm', 0.5, 9, '2026-02-01', '2026-02-02', 1, 0);
INSERT INTO trajectory_events (timestamp, event_type, eisv_state)
    SELECT at, 'shape', '{"E": 0.4}' FROM counting WHERE n <= 900;
INSERT INTO agency_values VALUES ('focus', 0.5, 3);
INSERT INTO agency_state VALUES ('last', '{}');
INSERT INTO primitive_token_weights VALUES ('warm', 1.5, 3, 1, '2026-02-20T10:00:00');
INSERT INTO primitive_combo_weights VALUES ('state+social', 1.0, 2, 0.5, NULL);
INSERT INTO primitive_history (timestamp, tokens) VALUES ('2026-02-20T10:00:00', 'warm you');
COMMIT;
