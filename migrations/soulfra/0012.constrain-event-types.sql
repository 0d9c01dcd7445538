-- Agents and loops are measured: two more things can happen. What is there is looked at in the next.
-- depends: 0011.create-forget-commands
-- ensure: SELECT pg_catalog.strpos(pg_catalog.pg_get_constraintdef(c.oid), 'loop_measured') > 0 FROM pg_catalog.pg_constraint AS c WHERE c.conrelid = 'log.events'::pg_catalog.regclass AND c.conname = 'events_type_check'

ALTER TABLE log.events DROP CONSTRAINT events_type_check;
ALTER TABLE log.events ADD CONSTRAINT events_type_check CHECK (type IN
      ('user_registered', 'agent_registered', 'loop_created', 'loop_forked', 'loop_dissolved',
       'tone_shifted', 'guild_founded', 'guild_joined', 'voting_opened', 'vote_cast',
       'voting_closed', 'blessing_granted', 'prophecy_spoken', 'prophecy_fulfilled',
       'cluster_formed', 'cluster_dissolved', 'credits_changed', 'loop_owned',
       'user_forgotten', 'agent_measured', 'loop_measured')) NOT VALID;
