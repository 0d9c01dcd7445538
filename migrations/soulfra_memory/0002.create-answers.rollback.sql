-- Takes back the ids: what was told with one stays, and would be kept again if it is told again.
-- lossy: all rows of answers

DROP TABLE answers;
