-- Takes back what took another's place, and the index of what resembles a summary.
-- lossy: superseded_by of core.discoveries; an edge RELATED_TO still tells of it

DROP INDEX core.discoveries_summary_idx;
ALTER TABLE core.discoveries DROP COLUMN superseded_by;
