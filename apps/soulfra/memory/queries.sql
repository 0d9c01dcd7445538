-- keeper --
SELECT agent_id, word FROM keeper;

-- keep --
INSERT INTO keeper (agent_id, word, made_at) VALUES (:agent_id, :word, :made_at);

-- answer --
SELECT a.said, a.number FROM answers AS a WHERE a.command_id = :command_id;

-- note_answer --
INSERT INTO answers (command_id, said, number, answered_at)
VALUES (:command_id, :said, :number, :answered_at);

-- forget_answers --
DELETE FROM answers WHERE answered_at < :before;

-- remember --
INSERT INTO memories (
    timestamp, type, content, emotional_context, loop_context, significance, metadata)
VALUES (:timestamp, :type, :content, :emotional_context, :loop_context, :significance, :metadata);

-- recall --
SELECT m.id, m.timestamp, m.type, m.content, m.emotional_context, m.loop_context, m.significance,
       m.compressed, m.metadata, m.bundle_id
  FROM memories AS m
 WHERE m.timestamp >= :since AND m.timestamp < :until
   AND (:type IS NULL OR m.type = :type) AND m.significance >= :significance
 ORDER BY m.timestamp DESC, m.id DESC
 LIMIT :limit;

-- faded --
-- Old memories that mattered little, the oldest first.
SELECT m.id, m.timestamp, m.content, m.emotional_context, m.loop_context, m.metadata
  FROM memories AS m
 WHERE m.compressed = 0 AND m.significance < :below AND m.timestamp < :before
 ORDER BY m.timestamp, m.id
 LIMIT :limit;

-- bundles --
SELECT b.id, b.from_timestamp, b.upto_timestamp, b.memories, b.plain_bytes,
       b.content IS NULL AS moved_out
  FROM bundles AS b ORDER BY b.id DESC LIMIT :limit;

-- bundle --
INSERT INTO bundles (from_timestamp, upto_timestamp, memories, plain_bytes, sha256, content)
VALUES (:from_timestamp, :upto_timestamp, :memories, :plain_bytes, :sha256, :content);

-- into_bundle --
UPDATE memories
   SET content = NULL, emotional_context = NULL, loop_context = NULL, metadata = NULL,
       compressed = 1, bundle_id = :bundle_id
 WHERE id = :id;

-- out_of_bundle --
UPDATE memories
   SET content = :content, emotional_context = :emotional_context, loop_context = :loop_context,
       metadata = :metadata, compressed = 0, bundle_id = NULL
 WHERE id = :id;

-- content_of_bundle --
SELECT b.upto_timestamp, b.sha256, b.content FROM bundles AS b WHERE b.id = :id;

-- members --
SELECT m.id, m.timestamp FROM memories AS m WHERE m.bundle_id = :id ORDER BY m.id;

-- drop_bundle --
DELETE FROM bundles WHERE id = :id;

-- oldest_inside --
SELECT b.id FROM bundles AS b WHERE b.content IS NOT NULL ORDER BY b.id LIMIT 1;

-- moved_out --
UPDATE bundles SET content = NULL WHERE id = :id;

-- reflect --
INSERT INTO reflections (
    timestamp, prompt, response, memory_context, emotional_state, insights)
VALUES (:timestamp, :prompt, :response, :memory_context, :emotional_state, :insights);

-- reflections --
SELECT r.id, r.timestamp, r.prompt, r.response, r.memory_context, r.emotional_state, r.insights
  FROM reflections AS r ORDER BY r.id DESC LIMIT :limit;

-- shift_tone --
INSERT INTO tone_shifts (
    timestamp, from_tone, to_tone, trigger_type, trigger_content, magnitude)
VALUES (:timestamp, :from_tone, :to_tone, :trigger_type, :trigger_content, :magnitude);

-- tone_shifts --
SELECT t.id, t.timestamp, t.from_tone, t.to_tone, t.trigger_type, t.trigger_content, t.magnitude
  FROM tone_shifts AS t ORDER BY t.id DESC LIMIT :limit;

-- counts --
SELECT (SELECT count(*) FROM memories), (SELECT count(*) FROM memories WHERE compressed = 1),
       (SELECT count(*) FROM bundles), (SELECT count(*) FROM bundles WHERE content IS NULL),
       (SELECT coalesce(sum(plain_bytes), 0) FROM bundles),
       (SELECT count(*) FROM reflections), (SELECT count(*) FROM tone_shifts);
