-- Who the creature is, and when it woke, slept, was renamed or recovered lost time.
CREATE TABLE identity (
    creature_id TEXT PRIMARY KEY NOT NULL CHECK (length(creature_id) > 0),
    born_at TEXT NOT NULL CHECK (born_at LIKE '%+00:00' OR born_at LIKE '%Z'),
    total_awakenings INTEGER NOT NULL DEFAULT 0 CHECK (total_awakenings >= 0),
    total_alive_seconds REAL NOT NULL DEFAULT 0 CHECK (total_alive_seconds BETWEEN 0 AND 1e12),
    name TEXT,
    name_history TEXT NOT NULL DEFAULT '[]'
        CHECK (json_valid(name_history) AND json_type(name_history) = 'array'),
    metadata TEXT NOT NULL DEFAULT '{}'
        CHECK (json_valid(metadata) AND json_type(metadata) = 'object'),
    last_heartbeat_at TEXT
        CHECK (last_heartbeat_at LIKE '%+00:00' OR last_heartbeat_at LIKE '%Z')
) STRICT;

CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    timestamp TEXT NOT NULL CHECK (timestamp LIKE '%+00:00' OR timestamp LIKE '%Z'),
    -- The model knows the words: SQLite cannot widen a list without rebuilding the table.
    event_type TEXT NOT NULL CHECK (length(event_type) > 0),
    data TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(data) AND json_type(data) = 'object')
) STRICT;

CREATE INDEX events_timestamp_idx ON events (timestamp DESC);
