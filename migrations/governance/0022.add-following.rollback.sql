-- Takes back what follow remembers; the rows that it brought stay.
-- lossy: all rows of legacy.followed and legacy.failures

DROP TABLE legacy.followed;
DROP TABLE legacy.failures;
