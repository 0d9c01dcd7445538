-- tables_of_the_store --
-- Every table with its columns, to compare with what the code expects.
SELECT t.name AS table_name, c.name AS column_name
  FROM sqlite_schema AS t, pragma_table_info(t.name) AS c
 WHERE t.type = 'table';

-- applied --
-- The ledger's migrations.
SELECT migration_id FROM _yoyo_migration;

-- adopted --
-- Tables that were there before us, and where their naive timestamps were taken.
SELECT name, time_zone FROM _abode_adopted WHERE time_zone IS NOT NULL;

-- newest_rows --
-- The last page of every table: where a power cut would have left its mark.
SELECT (SELECT creature_id FROM identity LIMIT 1), (SELECT max(id) FROM events),
       (SELECT max(id) FROM state_history), (SELECT max(id) FROM drawing_history),
       (SELECT max(id) FROM outbox), (SELECT max(id) FROM outbox_rejected),
       (SELECT max(first_seq) FROM outbox_gaps);

-- add_drawing_state --
INSERT INTO drawing_history (timestamp, E, I, S, V, C, marks, phase, era, energy, curiosity,
                             engagement, fatigue, arc_phase, gesture_entropy, switching_rate,
                             intentionality)
VALUES (:timestamp, :E, :I, :S, :V, :C, :marks, :phase, :era, :energy, :curiosity,
        :engagement, :fatigue, :arc_phase, :gesture_entropy, :switching_rate, :intentionality);

-- recent_drawing_states --
-- The newest rows, newest first, by the order they were written in: clocks jump, ids do not.
SELECT id, timestamp, E, I, S, V, C, marks, phase, era, energy, curiosity, engagement, fatigue,
       arc_phase, gesture_entropy, switching_rate, intentionality
  FROM drawing_history ORDER BY id DESC LIMIT :limit;

-- add_state --
INSERT INTO state_history (timestamp, warmth, clarity, stability, presence, sensors)
VALUES (:timestamp, :warmth, :clarity, :stability, :presence, :sensors);

-- add_event --
INSERT INTO events (timestamp, event_type, data) VALUES (:timestamp, :event_type, :data);

-- newest_event_type --
-- What the clock did is no sign of life or of its end.
SELECT event_type FROM events WHERE event_type NOT IN ('time_known', 'time_jump')
 ORDER BY id DESC LIMIT 1;

-- creature_called --
-- By its id, else by a name that it has or had: an adopted creature has an id of its own making.
SELECT creature_id FROM identity
 WHERE creature_id = :name OR name = :name COLLATE NOCASE
    OR EXISTS (SELECT 1 FROM json_each(name_history) AS old
                WHERE CASE old.type WHEN 'object' THEN old.value ->> '$.name' ELSE old.value END
                      = :name COLLATE NOCASE)
 ORDER BY creature_id = :name DESC, name = :name COLLATE NOCASE DESC LIMIT 1;

-- wake_identity --
-- The first awakening is the birth.
INSERT INTO identity (creature_id, born_at, total_awakenings, name, last_heartbeat_at)
VALUES (:creature_id, :now, 1, :creature_id, :now)
ON CONFLICT (creature_id) DO UPDATE
   SET total_awakenings = total_awakenings + 1, last_heartbeat_at = excluded.last_heartbeat_at;

-- rename_identity --
UPDATE identity
   SET name_history = json_insert(name_history, '$[#]', json_object('name', name, 'until', :now)),
       name = :name
 WHERE creature_id = :creature_id;

-- heartbeat_identity --
-- With what the day has cost the card, so that a restart does not forget it.
UPDATE identity
   SET total_alive_seconds = total_alive_seconds + :alive_seconds, last_heartbeat_at = :now,
       metadata = json_set(metadata, '$.written', json_object('day', :day, 'bytes', :bytes))
 WHERE creature_id = :creature_id;

-- identity --
SELECT creature_id, born_at, total_awakenings, total_alive_seconds, name, name_history, metadata,
       last_heartbeat_at
  FROM identity WHERE creature_id = :creature_id;

-- forget_metadata --
-- It cannot be read any more.
UPDATE identity SET metadata = json_object('governance_action', :action)
 WHERE creature_id = :creature_id;

-- remember_action --
-- What governance last said, so that a pause outlives a restart; said again, it costs no page.
UPDATE identity SET metadata = json_set(metadata, '$.governance_action', :action)
 WHERE creature_id = :creature_id
   AND json_extract(metadata, '$.governance_action') IS NOT :action;
