-- The pieces that the creature finished, with their numbers at the end and why they were over.
-- depends: 0008.create-primitives
-- ensure: SELECT count(*) = 1 FROM pragma_table_list WHERE strict AND name = 'drawing_records'
CREATE TABLE drawing_records (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    piece_uid TEXT NOT NULL CHECK (length(piece_uid) BETWEEN 8 AND 64),
    started_at TEXT NOT NULL CHECK (started_at LIKE '%+00:00' OR started_at LIKE '%Z'),
    finished_at TEXT NOT NULL CHECK (finished_at LIKE '%+00:00' OR finished_at LIKE '%Z'),
    era TEXT NOT NULL CHECK (length(era) > 0),
    completion_reason TEXT NOT NULL CHECK (length(completion_reason) > 0),
    marks INTEGER NOT NULL CHECK (marks >= 0),
    pixels INTEGER NOT NULL CHECK (pixels BETWEEN 0 AND 57600),
    duration_seconds REAL NOT NULL CHECK (duration_seconds BETWEEN 0 AND 1e12),
    E REAL NOT NULL CHECK (E BETWEEN 0 AND 1),
    I REAL NOT NULL CHECK (I BETWEEN 0 AND 1),
    S REAL NOT NULL CHECK (S BETWEEN 0.001 AND 2),
    V REAL NOT NULL CHECK (V BETWEEN -2 AND 2),
    C REAL NOT NULL CHECK (C BETWEEN 0 AND 1),
    energy REAL NOT NULL CHECK (energy BETWEEN 0 AND 1),
    curiosity REAL NOT NULL CHECK (curiosity BETWEEN 0 AND 1),
    engagement REAL NOT NULL CHECK (engagement BETWEEN 0 AND 1),
    fatigue REAL NOT NULL CHECK (fatigue BETWEEN 0 AND 1),
    satisfaction REAL NOT NULL CHECK (satisfaction BETWEEN 0 AND 1),
    file TEXT,
    UNIQUE (piece_uid)
) STRICT;
