-- Takes back deadlines and effects of disputes; what was said stays.
-- lossy: deadline, cooldown, effect and what files said besides of every row of dialectic.sessions; proposed_action and imported_json of dialectic.messages

DROP FUNCTION dialectic.settle(text, timestamptz);
DROP INDEX dialectic.sessions_resume_at_idx;
DROP INDEX dialectic.sessions_deadline_at_idx;
DROP INDEX dialectic.sessions_open_key;
ALTER TABLE dialectic.messages DROP COLUMN imported_json;
ALTER TABLE dialectic.messages DROP COLUMN proposed_action;
ALTER TABLE dialectic.sessions DROP COLUMN imported_json;
ALTER TABLE dialectic.sessions DROP COLUMN settled_at;
ALTER TABLE dialectic.sessions DROP COLUMN resume_at;
ALTER TABLE dialectic.sessions DROP COLUMN deadline_at;
