-- Forgets who was the writer; neither side's rows are touched.
-- lossy: all rows of legacy.epochs, legacy.readers and legacy.differences; legacy.runs.seen_at

DROP TABLE legacy.differences;
DROP TABLE legacy.readers;
DROP TABLE legacy.epochs;
ALTER TABLE legacy.runs DROP COLUMN seen_at;
