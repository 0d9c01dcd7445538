-- Forgets what the creature came to know.
-- lossy: every preference, relationship, goal and memory
DROP TABLE memories;
DROP TABLE goals;
DROP TABLE relationships;
DROP TABLE preferences;
