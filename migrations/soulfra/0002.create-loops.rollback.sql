-- Takes back users, agents and loops. They follow from the log, and can be made anew from it.
-- lossy: all rows of soulfra.users, soulfra.agents, soulfra.loops

DROP FUNCTION soulfra.create_loop_months(timestamptz);
DROP TABLE soulfra.loops;
DROP TABLE soulfra.agents;
DROP TABLE soulfra.users;
DROP SCHEMA soulfra;
