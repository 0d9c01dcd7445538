-- check_none --
-- Who has no parent was looked at already.
DELETE FROM pg_temp.staged AS s WHERE s.parent_agent_id IS NULL;

-- check --
-- When all identities are there: a parent may come after its child.
UPDATE pg_temp.staged AS s
   SET reason = CASE
       WHEN s.parent_agent_id = s.agent_id THEN 'parent_agent_id: is the agent itself'
       WHEN NOT EXISTS (SELECT FROM core.identities AS p WHERE p.agent_id = s.parent_agent_id)
       THEN format('parent_agent_id: agent %%L is not known', left(s.parent_agent_id, 60)) END
 WHERE s.reason IS NULL;

-- merge --
UPDATE core.identities AS i
   SET parent_agent_id = s.parent_agent_id
  FROM pg_temp.staged AS s
 WHERE s.reason IS NULL AND i.agent_id = s.agent_id AND i.parent_agent_id IS NULL;
