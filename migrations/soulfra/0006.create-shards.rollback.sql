-- Takes back the shards. Only a home that has all slots has all agents, and only there every owner.
-- lossy: which shards there were and which slots moved: shard.places, shard.map, shard.slots, shard.registrations, shard.moves

DROP FUNCTION soulfra.cut_loop_month(timestamptz);
DROP TRIGGER events_slot ON log.events;
DROP FUNCTION shard.prune(integer[], integer);
DROP FUNCTION shard.begin(text);
DROP FUNCTION shard.adopt(text, integer, timestamptz, jsonb, jsonb);
DROP FUNCTION shard.keep();
DROP FUNCTION shard.slot_of(text);
DROP INDEX soulfra.agents_slot_idx;
ALTER TABLE soulfra.agents ADD CONSTRAINT agents_owner_id_fkey
    FOREIGN KEY (owner_id) REFERENCES soulfra.users (id);
DROP TABLE shard.moves;
DROP TABLE shard.registrations;
DROP TABLE shard.slots;
DROP TABLE shard.map;
DROP TABLE shard.places;
DROP SCHEMA shard;
