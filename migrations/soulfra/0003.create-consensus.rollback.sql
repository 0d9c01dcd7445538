-- Takes back guilds, votings and blessings. They follow from the log.
-- lossy: all rows of soulfra.guilds, guild_members, votings, votes, blessings

DROP TABLE soulfra.blessings;
DROP TABLE soulfra.votes;
DROP TABLE soulfra.votings;
DROP TABLE soulfra.guild_members;
DROP TABLE soulfra.guilds;
