-- Takes back the function: nothing is forgotten any more.

DROP FUNCTION log.forget_commands(integer);
