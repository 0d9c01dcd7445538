-- Forgets which pieces were finished, and why; the pictures stay.
-- lossy: every record of a finished piece
DROP TABLE drawing_records;
