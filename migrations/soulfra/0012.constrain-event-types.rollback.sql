-- Fails while one of the two is in the log: what happened stays.
-- lossy: nothing; refused while one of the two is in the log

ALTER TABLE log.events DROP CONSTRAINT events_type_check;
ALTER TABLE log.events ADD CONSTRAINT events_type_check CHECK (type IN
      ('user_registered', 'agent_registered', 'loop_created', 'loop_forked', 'loop_dissolved',
       'tone_shifted', 'guild_founded', 'guild_joined', 'voting_opened', 'vote_cast',
       'voting_closed', 'blessing_granted', 'prophecy_spoken', 'prophecy_fulfilled',
       'cluster_formed', 'cluster_dissolved', 'credits_changed', 'loop_owned',
       'user_forgotten')) NOT VALID;
ALTER TABLE log.events VALIDATE CONSTRAINT events_type_check;
