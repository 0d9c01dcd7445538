-- The boots of the board, and the rows that were moved in time because a clock was wrong.
-- depends: 0011.add-outbox-gaps
-- ensure: SELECT count(*) = 2 FROM pragma_table_list WHERE strict AND name IN ('clock_boots', 'clock_shifts')
-- The big tables keep the seed's columns: a row's boot follows from its id, its first timestamp
-- from the shifts that it lay in.
CREATE TABLE clock_boots (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kernel_boot_id TEXT NOT NULL CHECK (length(kernel_boot_id) > 0),
    raw_wall_at TEXT NOT NULL CHECK (raw_wall_at LIKE '%+00:00' OR raw_wall_at LIKE '%Z'),
    began_monotonic_seconds REAL NOT NULL CHECK (began_monotonic_seconds BETWEEN 0 AND 1e12),
    offset_microseconds INTEGER NOT NULL,
    known_at TEXT CHECK (known_at LIKE '%+00:00' OR known_at LIKE '%Z'),
    source TEXT,
    last_ids TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(last_ids) AND json_type(last_ids) = 'object'),
    UNIQUE (kernel_boot_id)
) STRICT;

CREATE TABLE clock_shifts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kernel_boot_id TEXT NOT NULL CHECK (length(kernel_boot_id) > 0),
    table_name TEXT NOT NULL CHECK (length(table_name) > 0),
    from_id INTEGER NOT NULL CHECK (from_id >= 1),
    upto_id INTEGER NOT NULL CHECK (upto_id >= 1),
    next_id INTEGER NOT NULL CHECK (next_id >= 1),
    shift_microseconds INTEGER NOT NULL,
    reason TEXT NOT NULL CHECK (length(reason) > 0)
) STRICT;

CREATE INDEX clock_shifts_table_name_idx ON clock_shifts (table_name, from_id);
