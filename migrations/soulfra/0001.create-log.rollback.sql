-- Takes back the log.
-- lossy: all that happened: log.events, log.commands, log.followers

DROP FUNCTION log.verify(text);
DROP TABLE log.followers;
DROP TABLE log.commands;
DROP TABLE log.events;
DROP FUNCTION log.keep_events();
DROP FUNCTION log.append(jsonb, jsonb);
DROP AGGREGATE log.chained(bytea, text, bigint, text, integer, timestamptz, jsonb, jsonb);
DROP FUNCTION log.link(
    bytea, bytea, text, bigint, text, integer, timestamptz, jsonb, jsonb);
DROP FUNCTION log.digest(bytea, text, bigint, text, integer, timestamptz, jsonb, jsonb);
DROP SCHEMA log;
