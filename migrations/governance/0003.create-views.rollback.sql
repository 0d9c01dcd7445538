-- Takes back the two views.

DROP VIEW core.schema_migrations;
DROP VIEW core.agents;
