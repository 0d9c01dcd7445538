-- Takes back the tokens that governance gave; those of the deploy's file still open the door.
-- lossy: all rows of core.tokens: agents that were registered need another token

DROP FUNCTION core.archive_identity(text);
ALTER TABLE core.identities DROP CONSTRAINT identities_parent_agent_id_check;
DROP TABLE core.tokens;
