-- The creature's first words: how gladly it uses them, and what it said with them.
-- depends: 0007.create-trajectory-events
-- ensure: SELECT count(*) = 3 FROM pragma_table_list WHERE strict AND name IN ('primitive_token_weights', 'primitive_combo_weights', 'primitive_history')
CREATE TABLE primitive_token_weights (
    token TEXT PRIMARY KEY NOT NULL CHECK (length(token) > 0),
    weight REAL NOT NULL DEFAULT 1.0 CHECK (weight >= 0),
    success_count INTEGER NOT NULL DEFAULT 0 CHECK (success_count >= 0),
    failure_count INTEGER NOT NULL DEFAULT 0 CHECK (failure_count >= 0),
    last_updated TEXT CHECK (last_updated LIKE '%+00:00' OR last_updated LIKE '%Z')
) STRICT;

CREATE TABLE primitive_combo_weights (
    pattern TEXT PRIMARY KEY NOT NULL CHECK (length(pattern) > 0),
    weight REAL NOT NULL DEFAULT 1.0 CHECK (weight >= 0),
    use_count INTEGER NOT NULL DEFAULT 0 CHECK (use_count >= 0),
    avg_score REAL NOT NULL DEFAULT 0.5 CHECK (avg_score BETWEEN 0 AND 1),
    last_updated TEXT CHECK (last_updated LIKE '%+00:00' OR last_updated LIKE '%Z')
) STRICT;

CREATE TABLE primitive_history (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    timestamp TEXT NOT NULL CHECK (timestamp LIKE '%+00:00' OR timestamp LIKE '%Z'),
    tokens TEXT NOT NULL CHECK (length(tokens) > 0),
    category_pattern TEXT,
    warmth REAL CHECK (warmth BETWEEN 0 AND 1),
    brightness REAL CHECK (brightness BETWEEN 0 AND 1),
    stability REAL CHECK (stability BETWEEN 0 AND 1),
    presence REAL CHECK (presence BETWEEN 0 AND 1),
    score REAL CHECK (score BETWEEN 0 AND 1),
    feedback_signals TEXT,
    UNIQUE (timestamp, tokens)
) STRICT;

CREATE INDEX primitive_history_timestamp_idx ON primitive_history (timestamp DESC);
CREATE INDEX primitive_history_category_pattern_idx ON primitive_history (category_pattern);
