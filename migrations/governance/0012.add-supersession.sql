-- A discovery may take another's place, and is found by what only resembles its summary.
-- Depends on 0006, and on extension pg_trgm in schema trgm.
-- depends: 0011.create-graph-probe
-- ensure: SELECT count(*) = 1 FROM pg_catalog.pg_attribute WHERE attrelid = 'core.discoveries'::regclass AND attname = 'superseded_by' AND NOT attisdropped

ALTER TABLE core.discoveries
    ADD COLUMN superseded_by text
    CONSTRAINT discoveries_superseded_by_check CHECK (superseded_by <> discovery_id)
    CONSTRAINT discoveries_superseded_by_fkey
        REFERENCES core.discoveries (discovery_id) ON DELETE SET NULL;
CREATE INDEX discoveries_superseded_by_idx
    ON core.discoveries (superseded_by) WHERE superseded_by IS NOT NULL;
CREATE INDEX discoveries_summary_idx
    ON core.discoveries USING gin (summary trgm.gin_trgm_ops);
