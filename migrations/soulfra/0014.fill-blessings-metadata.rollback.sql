-- Takes back how the votes were; they are in the log.
-- lossy: metadata of all blessings; the log has the votes

UPDATE soulfra.blessings AS b SET metadata = '{}';
