-- Check-ins that governance has not acknowledged yet, and those it will never take.
-- depends: 0003.create-drawing-history
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    boot_id TEXT NOT NULL CHECK (length(boot_id) BETWEEN 8 AND 64),
    recorded_at TEXT NOT NULL CHECK (recorded_at LIKE '%+00:00' OR recorded_at LIKE '%Z'),
    body TEXT NOT NULL CHECK (json_valid(body) AND json_type(body) = 'object'),
    attempts INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    last_error TEXT
) STRICT;

CREATE TABLE outbox_rejected (
    id INTEGER PRIMARY KEY,
    boot_id TEXT NOT NULL CHECK (length(boot_id) BETWEEN 8 AND 64),
    recorded_at TEXT NOT NULL CHECK (recorded_at LIKE '%+00:00' OR recorded_at LIKE '%Z'),
    body TEXT NOT NULL CHECK (json_valid(body) AND json_type(body) = 'object'),
    rejected_at TEXT NOT NULL CHECK (rejected_at LIKE '%+00:00' OR rejected_at LIKE '%Z'),
    reason TEXT NOT NULL
) STRICT;
