-- Takes back the events that wait for their lines; the lines that there are stay.
-- lossy: events of changes that were committed just before a kill and were not told since

DROP TABLE audit.untold;
