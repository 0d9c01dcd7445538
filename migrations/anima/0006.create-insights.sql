-- What the creature found out about itself, and how often it held.
-- depends: 0005.create-growth
-- ensure: SELECT count(*) = 1 FROM pragma_table_list WHERE strict AND name = 'insights'
CREATE TABLE insights (
    id TEXT PRIMARY KEY NOT NULL CHECK (length(id) > 0),
    category TEXT NOT NULL CHECK (length(category) > 0),
    description TEXT NOT NULL,
    confidence REAL NOT NULL CHECK (confidence BETWEEN 0 AND 1),
    sample_count INTEGER NOT NULL CHECK (sample_count >= 0),
    discovered_at TEXT NOT NULL CHECK (discovered_at LIKE '%+00:00' OR discovered_at LIKE '%Z'),
    last_validated TEXT NOT NULL
        CHECK (last_validated LIKE '%+00:00' OR last_validated LIKE '%Z'),
    validation_count INTEGER NOT NULL DEFAULT 0 CHECK (validation_count >= 0),
    contradiction_count INTEGER NOT NULL DEFAULT 0 CHECK (contradiction_count >= 0)
) STRICT;

CREATE INDEX insights_category_idx ON insights (category);
