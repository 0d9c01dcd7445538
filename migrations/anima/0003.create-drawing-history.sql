-- The drawing loop at full resolution: one row every few marks, columns as the seed names them.
-- depends: 0002.create-state-history
-- Ranges are fixed by the equations and held here. Words grow with the creature, and SQLite cannot
-- widen a list without rebuilding the largest table there is: the model knows them.
CREATE TABLE drawing_history (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    timestamp TEXT NOT NULL CHECK (timestamp LIKE '%+00:00' OR timestamp LIKE '%Z'),
    E REAL NOT NULL CHECK (E BETWEEN 0 AND 1),
    I REAL NOT NULL CHECK (I BETWEEN 0 AND 1),
    S REAL NOT NULL CHECK (S BETWEEN 0.001 AND 2),
    V REAL NOT NULL CHECK (V BETWEEN -2 AND 2),
    C REAL NOT NULL CHECK (C BETWEEN 0 AND 1),
    marks INTEGER NOT NULL CHECK (marks >= 0),
    phase TEXT CHECK (length(phase) > 0),
    era TEXT CHECK (length(era) > 0),
    energy REAL CHECK (energy BETWEEN 0 AND 1),
    curiosity REAL CHECK (curiosity BETWEEN 0 AND 1),
    engagement REAL CHECK (engagement BETWEEN 0 AND 1),
    fatigue REAL CHECK (fatigue BETWEEN 0 AND 1),
    arc_phase TEXT CHECK (length(arc_phase) > 0),
    gesture_entropy REAL CHECK (gesture_entropy BETWEEN 0 AND 1),
    switching_rate REAL CHECK (switching_rate BETWEEN 0 AND 1),
    intentionality REAL CHECK (intentionality BETWEEN 0 AND 1)
) STRICT;

CREATE INDEX idx_drawing_history_time ON drawing_history (timestamp DESC);
