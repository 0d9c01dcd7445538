-- Takes back how the votes were; they are in the log.

UPDATE soulfra.blessings AS b SET metadata = '{}';
