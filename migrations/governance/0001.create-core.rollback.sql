-- Takes back identities, sessions, state and calibration. Their rows are gone for good.

DROP TABLE core.probe;
DROP TABLE core.calibration;
DROP TABLE core.agent_state;
DROP TABLE core.sessions;
DROP TABLE core.identities;
DROP SCHEMA core;
