-- Takes back disputes and all that was said in them.
-- lossy: all rows of dialectic.sessions and dialectic.messages

DROP TABLE dialectic.messages;
DROP TABLE dialectic.sessions;
DROP SCHEMA dialectic;
