-- Takes back positions and anchors; the files of the trails stay, and the events.
-- lossy: how far the trails were indexed, and the anchors that prove their lines unchanged

DROP INDEX audit.events_event_type_recorded_at_idx;
DROP TABLE audit.anchors;
DROP FUNCTION audit.keep_anchors();
DROP TABLE audit.positions;
