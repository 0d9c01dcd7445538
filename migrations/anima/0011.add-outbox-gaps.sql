-- By the clock that never jumps when a check-in was composed, and what the outbox had no room for.
-- depends: 0010.create-growth-state
-- ensure: SELECT count(*) = 2 FROM pragma_table_list AS t, pragma_table_info(t.name) AS c WHERE t.schema = 'main' AND t.name IN ('outbox', 'outbox_rejected') AND c.name = 'monotonic_seconds'
-- ensure: SELECT count(*) = 1 FROM pragma_table_list WHERE strict AND name = 'outbox_gaps'
ALTER TABLE outbox ADD COLUMN monotonic_seconds REAL CHECK (monotonic_seconds BETWEEN 0 AND 1e12);

ALTER TABLE outbox_rejected ADD COLUMN monotonic_seconds REAL
    CHECK (monotonic_seconds BETWEEN 0 AND 1e12);

CREATE TABLE outbox_gaps (
    first_seq INTEGER PRIMARY KEY,
    last_seq INTEGER NOT NULL CHECK (last_seq >= 1),
    count INTEGER NOT NULL CHECK (count >= 0),
    stripped INTEGER NOT NULL CHECK (stripped >= 0),
    from_at TEXT NOT NULL CHECK (from_at LIKE '%+00:00' OR from_at LIKE '%Z'),
    upto_at TEXT NOT NULL CHECK (upto_at LIKE '%+00:00' OR upto_at LIKE '%Z'),
    changed_seq INTEGER NOT NULL CHECK (changed_seq >= 1)
) STRICT;
