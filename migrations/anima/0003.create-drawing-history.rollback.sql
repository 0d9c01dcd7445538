-- Drops every recorded step of the drawing loop.
DROP INDEX idx_drawing_history_time;
DROP TABLE drawing_history;
