-- What one agent remembers. Whatever says something is sealed; the guide's indexes are over the rest.
-- Depends on nothing.
-- ensure: SELECT count(*) = 5 FROM pragma_table_list WHERE strict AND name IN ('keeper', 'bundles', 'memories', 'reflections', 'tone_shifts')
CREATE TABLE keeper (
    agent_id TEXT PRIMARY KEY NOT NULL,
    word BLOB NOT NULL,
    made_at TEXT NOT NULL CHECK (made_at LIKE '%+00:00' OR made_at LIKE '%Z')
) STRICT;

CREATE TABLE bundles (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    from_timestamp TEXT NOT NULL CHECK (from_timestamp LIKE '%+00:00' OR from_timestamp LIKE '%Z'),
    upto_timestamp TEXT NOT NULL CHECK (upto_timestamp LIKE '%+00:00' OR upto_timestamp LIKE '%Z'),
    memories INTEGER NOT NULL CHECK (memories >= 1),
    plain_bytes INTEGER NOT NULL CHECK (plain_bytes >= 0),
    sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
    content BLOB
) STRICT;

CREATE TABLE memories (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    timestamp TEXT NOT NULL CHECK (timestamp LIKE '%+00:00' OR timestamp LIKE '%Z'),
    type TEXT NOT NULL CHECK (length(type) BETWEEN 1 AND 100),
    content BLOB,
    emotional_context BLOB,
    loop_context BLOB,
    significance REAL NOT NULL DEFAULT 0.5 CHECK (significance BETWEEN 0 AND 1),
    compressed INTEGER NOT NULL DEFAULT 0 CHECK (compressed IN (0, 1)),
    metadata BLOB,
    bundle_id INTEGER REFERENCES bundles (id)
) STRICT;
CREATE INDEX idx_memories_timestamp ON memories (timestamp);
CREATE INDEX idx_memories_type ON memories (type);
CREATE INDEX idx_memories_significance ON memories (significance) WHERE compressed = 0;
CREATE INDEX memories_bundle_id_idx ON memories (bundle_id) WHERE bundle_id IS NOT NULL;

CREATE TABLE reflections (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    timestamp TEXT NOT NULL CHECK (timestamp LIKE '%+00:00' OR timestamp LIKE '%Z'),
    prompt BLOB NOT NULL,
    response BLOB,
    memory_context BLOB,
    emotional_state BLOB,
    insights BLOB
) STRICT;
CREATE INDEX reflections_timestamp_idx ON reflections (timestamp);

CREATE TABLE tone_shifts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    timestamp TEXT NOT NULL CHECK (timestamp LIKE '%+00:00' OR timestamp LIKE '%Z'),
    from_tone TEXT CHECK (length(from_tone) > 0),
    to_tone TEXT CHECK (length(to_tone) > 0),
    trigger_type TEXT,
    trigger_content BLOB,
    magnitude REAL CHECK (magnitude BETWEEN 0 AND 1)
) STRICT;
CREATE INDEX tone_shifts_timestamp_idx ON tone_shifts (timestamp);
