-- The creature's way through its states, moment by moment, and what it said on it.
-- depends: 0006.create-insights
-- ensure: SELECT count(*) = 1 FROM pragma_table_list WHERE strict AND name = 'trajectory_events'
CREATE TABLE trajectory_events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    timestamp TEXT NOT NULL CHECK (timestamp LIKE '%+00:00' OR timestamp LIKE '%Z'),
    event_type TEXT NOT NULL CHECK (length(event_type) > 0),
    shape TEXT,
    -- json_valid(NULL) is 0 before SQLite 3.42, such as on Raspberry Pi OS bookworm.
    eisv_state TEXT CHECK (eisv_state IS NULL
        OR json_valid(eisv_state) AND json_type(eisv_state) = 'object'),
    derivatives TEXT CHECK (derivatives IS NULL
        OR json_valid(derivatives) AND json_type(derivatives) = 'object'),
    suggested_tokens TEXT CHECK (suggested_tokens IS NULL
        OR json_valid(suggested_tokens) AND json_type(suggested_tokens) = 'array'),
    expression_tokens TEXT CHECK (expression_tokens IS NULL
        OR json_valid(expression_tokens) AND json_type(expression_tokens) = 'array'),
    coherence_score REAL CHECK (coherence_score BETWEEN 0 AND 1),
    cache_hit INTEGER NOT NULL DEFAULT 0 CHECK (cache_hit IN (0, 1)),
    buffer_size INTEGER CHECK (buffer_size >= 0)
) STRICT;

CREATE INDEX trajectory_events_timestamp_idx ON trajectory_events (timestamp DESC);
