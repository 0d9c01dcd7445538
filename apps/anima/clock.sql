-- this_boot --
SELECT id, began_monotonic_seconds, offset_microseconds, source
  FROM clock_boots WHERE kernel_boot_id = :kernel_boot_id;

-- begin_boot --
-- Once for each boot of the board; a later process of it goes on with what is there.
INSERT INTO clock_boots (kernel_boot_id, raw_wall_at, began_monotonic_seconds,
                         offset_microseconds, last_ids)
VALUES (:kernel_boot_id, :raw_wall_at, :began_monotonic_seconds, :offset_microseconds, :last_ids)
ON CONFLICT (kernel_boot_id) DO NOTHING;

-- boots --
-- The newest first.
SELECT id, kernel_boot_id, began_monotonic_seconds, offset_microseconds, known_at, last_ids
  FROM clock_boots ORDER BY id DESC;

-- know_boot --
UPDATE clock_boots SET offset_microseconds = :offset_microseconds, source = :source,
                       known_at = coalesce(known_at, :known_at)
 WHERE kernel_boot_id = :kernel_boot_id;

-- slew_boot --
UPDATE clock_boots SET offset_microseconds = :offset_microseconds, source = :source
 WHERE kernel_boot_id = :kernel_boot_id;

-- move_boot --
UPDATE clock_boots SET offset_microseconds = offset_microseconds + :shift WHERE id = :id;

-- tables_there --
SELECT name FROM sqlite_schema WHERE type = 'table';

-- last_given --
-- The highest id that a table ever gave, though its rows may be gone.
SELECT seq FROM sqlite_sequence WHERE name = :table_name;

-- last_row --
SELECT coalesce(max(rowid), 0) AS seq FROM {table};

-- newest_stamps --
-- The times of the newest rows among some ids, as bytes: more than one, for one may be spoilt.
SELECT CAST({stamp} AS BLOB) AS stamp FROM {table} WHERE rowid > :after AND rowid <= :upto
 ORDER BY rowid DESC LIMIT 3;

-- latest_marks --
-- Beside the rows: the last heartbeat, and when the tables were made.
SELECT last_heartbeat_at AS stamp, 'identity' AS told_by FROM identity
UNION ALL SELECT max(applied_at_utc), '_yoyo_migration' FROM _yoyo_migration;

-- birth --
SELECT creature_id, born_at FROM identity WHERE born_at >= :began_at;

-- move_birth --
UPDATE identity SET born_at = :born_at WHERE creature_id = :creature_id;

-- add_shift --
INSERT INTO clock_shifts (kernel_boot_id, table_name, from_id, upto_id, next_id,
                          shift_microseconds, reason)
VALUES (:kernel_boot_id, :table_name, :from_id, :upto_id, :from_id, :shift, :reason);

-- next_shift --
-- With the start of its boot as the rows had it that were not moved yet.
SELECT s.id, s.table_name, s.upto_id, s.next_id, s.shift_microseconds AS shift,
       CAST(b.began_monotonic_seconds * 1000000 AS INTEGER) + b.offset_microseconds
       - s.shift_microseconds AS began
  FROM clock_shifts AS s JOIN clock_boots AS b ON b.kernel_boot_id = s.kernel_boot_id
 WHERE s.next_id <= s.upto_id ORDER BY s.id LIMIT 1;

-- rows_to_move --
-- The stamps as bytes: one flipped bit, and they are no text.
SELECT rowid AS id, CAST({stamp} AS BLOB) AS stamp FROM {table}
 WHERE rowid BETWEEN :next_id AND :upto_id ORDER BY rowid LIMIT :limit;

-- move_row --
UPDATE {table} SET {stamp} = :stamp WHERE rowid = :id;

-- move_start --
-- A piece may have been begun in an earlier boot: that time is not this boot's to move.
UPDATE drawing_records SET started_at = min(coalesce(:started_at, started_at), finished_at)
 WHERE id = :id;

-- started --
SELECT started_at FROM drawing_records WHERE id = :id;

-- date_checkin --
-- Not one that may have been sent: governance knows it by what it says. Nor one that is no JSON
-- any more: whoever sends it finds out.
UPDATE outbox SET body = json_set(body, '$.recorded_at', :stamp)
 WHERE id = :id AND id > :handed_out AND json_valid(body);

-- note_moved --
UPDATE clock_shifts SET next_id = :next_id WHERE id = :id;

-- times --
-- What the clock knows of rows: their boot, when in it they were written, and their first time.
SELECT t.rowid AS id, t.{stamp} AS stamp,
       (SELECT b.kernel_boot_id FROM clock_boots AS b
         WHERE coalesce(json_extract(b.last_ids, '$.{table}'), 0) < t.rowid
         ORDER BY b.id DESC LIMIT 1) AS boot,
       (SELECT coalesce(sum(s.shift_microseconds), 0) FROM clock_shifts AS s
         WHERE s.table_name = '{table}' AND t.rowid BETWEEN s.from_id AND s.upto_id
           AND t.rowid < s.next_id) AS shifted
  FROM {table} AS t WHERE t.rowid BETWEEN :from_id AND :upto_id ORDER BY t.rowid;
