-- What was told with an id, and the number it got: told again with it, it is not kept twice.
-- depends: 0001.create-memories
-- ensure: SELECT count(*) = 1 FROM pragma_table_list WHERE strict AND name = 'answers'
CREATE TABLE answers (
    command_id TEXT PRIMARY KEY NOT NULL,
    said BLOB NOT NULL,
    number INTEGER NOT NULL CHECK (number >= 1),
    answered_at TEXT NOT NULL CHECK (answered_at LIKE '%+00:00' OR answered_at LIKE '%Z')
) STRICT;
CREATE INDEX answers_answered_at_idx ON answers (answered_at);
