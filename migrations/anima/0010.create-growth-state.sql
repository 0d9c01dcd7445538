-- What the creature's learning goes on from after a restart and no other table holds.
-- depends: 0009.create-drawing-records
-- ensure: SELECT count(*) = 1 FROM pragma_table_list WHERE strict AND name = 'growth_state'
CREATE TABLE growth_state (
    name TEXT PRIMARY KEY NOT NULL CHECK (length(name) > 0),
    value TEXT NOT NULL CHECK (json_valid(value) AND json_type(value) = 'object'),
    updated_at TEXT NOT NULL CHECK (updated_at LIKE '%+00:00' OR updated_at LIKE '%Z')
) STRICT;
