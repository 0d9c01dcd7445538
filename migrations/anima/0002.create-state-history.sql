-- How the creature felt, and the readings it felt it from.
-- depends: 0001.create-identity-and-events
CREATE TABLE state_history (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    timestamp TEXT NOT NULL CHECK (timestamp LIKE '%+00:00' OR timestamp LIKE '%Z'),
    warmth REAL NOT NULL CHECK (warmth BETWEEN 0 AND 1),
    clarity REAL NOT NULL CHECK (clarity BETWEEN 0 AND 1),
    stability REAL NOT NULL CHECK (stability BETWEEN 0 AND 1),
    presence REAL NOT NULL CHECK (presence BETWEEN 0 AND 1),
    sensors TEXT NOT NULL DEFAULT '{}'
        CHECK (json_valid(sensors) AND json_type(sensors) = 'object')
) STRICT;

CREATE INDEX state_history_timestamp_idx ON state_history (timestamp DESC);
