-- Takes back keys, tokens and who owns unsigned loops: what is sealed cannot be read any more.
-- lossy: all rows of privacy.subjects, soulfra.pii_tokens, soulfra.loop_owners

ALTER FUNCTION log.verify(text) SECURITY INVOKER;

ALTER TABLE log.events DROP CONSTRAINT events_type_check;
ALTER TABLE log.events ADD CONSTRAINT events_type_check CHECK (type IN
      ('user_registered', 'agent_registered', 'loop_created', 'loop_forked', 'loop_dissolved',
       'tone_shifted', 'guild_founded', 'guild_joined', 'voting_opened', 'vote_cast',
       'voting_closed', 'blessing_granted', 'prophecy_spoken', 'prophecy_fulfilled',
       'cluster_formed', 'cluster_dissolved', 'credits_changed'));

ALTER TABLE soulfra.prophecies DROP CONSTRAINT prophecies_prophecy_text_check;
ALTER TABLE soulfra.prophecies ADD CONSTRAINT prophecies_prophecy_text_check
      CHECK (length(prophecy_text) BETWEEN 1 AND 20000);

ALTER TABLE soulfra.loops DROP CONSTRAINT loops_agent_id_check;
ALTER TABLE soulfra.loops DROP CONSTRAINT loops_whisper_origin_check;
ALTER TABLE soulfra.loops ADD CONSTRAINT loops_whisper_origin_check
      CHECK (length(whisper_origin) <= 20000);
ALTER TABLE soulfra.loops ALTER COLUMN agent_id SET NOT NULL;
ALTER TABLE soulfra.loops ALTER COLUMN creator_id SET NOT NULL;

ALTER TABLE soulfra.agents DROP CONSTRAINT agents_archetype_check;
ALTER TABLE soulfra.agents ADD CONSTRAINT agents_archetype_check
      CHECK (length(archetype) BETWEEN 1 AND 50);

ALTER TABLE soulfra.users DROP CONSTRAINT users_email_check;
ALTER TABLE soulfra.users DROP CONSTRAINT users_username_check;
ALTER TABLE soulfra.users ADD CONSTRAINT users_username_check
      CHECK (length(username) BETWEEN 1 AND 255);
ALTER TABLE soulfra.users ADD CONSTRAINT users_email_check
      CHECK (length(email) BETWEEN 3 AND 255);

DROP TABLE soulfra.loop_owners;
DROP TABLE soulfra.pii_tokens;
DROP TABLE privacy.subjects;
DROP FUNCTION privacy.keep_forgotten();
DROP SCHEMA privacy;
