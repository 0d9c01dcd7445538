-- count_from_now_on --
-- What is in the outbox, counted in memory by the connection that writes: no page of the card is
-- read or written for it, and what is rolled back is rolled back here, too.
CREATE TEMP TABLE tally (
    waiting INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL DEFAULT 0,
    stripped_upto INTEGER NOT NULL DEFAULT 0,
    dropped_upto INTEGER NOT NULL DEFAULT 0,
    version INTEGER NOT NULL DEFAULT -1
);
INSERT INTO tally DEFAULT VALUES;
CREATE TEMP TRIGGER tally_added AFTER INSERT ON main.outbox BEGIN
    UPDATE tally SET waiting = waiting + 1, bytes = bytes + length(CAST(new.body AS BLOB));
END;
CREATE TEMP TRIGGER tally_changed AFTER UPDATE OF body ON main.outbox BEGIN
    UPDATE tally SET bytes = bytes + length(CAST(new.body AS BLOB)) - length(CAST(old.body AS BLOB));
END;
CREATE TEMP TRIGGER tally_removed AFTER DELETE ON main.outbox BEGIN
    UPDATE tally SET waiting = waiting - 1, bytes = bytes - length(CAST(old.body AS BLOB));
END;

-- tally --
SELECT waiting, bytes, stripped_upto, dropped_upto, version FROM temp.tally;

-- data_version --
-- Another number whenever somebody else has written to the file.
PRAGMA data_version;

-- count_again --
UPDATE temp.tally
   SET (waiting, bytes) = (SELECT count(*), coalesce(sum(length(CAST(body AS BLOB))), 0)
                             FROM main.outbox),
       stripped_upto = 0, dropped_upto = 0, version = :version;

-- move_cursors --
UPDATE temp.tally
   SET stripped_upto = coalesce(:stripped_upto, stripped_upto),
       dropped_upto = coalesce(:dropped_upto, dropped_upto);

-- add_checkin --
-- The id comes first: it is the seq inside the body.
INSERT INTO outbox (boot_id, recorded_at, monotonic_seconds, body)
VALUES (:boot_id, :recorded_at, :monotonic_seconds, '{}')
RETURNING id;

-- complete_checkin --
UPDATE outbox SET body = :body WHERE id = :id;

-- oldest_checkins --
SELECT id, boot_id, recorded_at, monotonic_seconds, body, attempts, last_error
  FROM outbox ORDER BY id LIMIT :limit;

-- tried_upto --
SELECT coalesce(max(id), 0) AS tried
  FROM (SELECT id, attempts FROM outbox ORDER BY id LIMIT :limit) WHERE attempts > 0;

-- oldest_recorded_at --
SELECT recorded_at FROM outbox WHERE id < :before ORDER BY id LIMIT 1;

-- count_rejected --
SELECT count(*) AS rejected FROM outbox_rejected;

-- acknowledge_checkin --
DELETE FROM outbox WHERE id = :id;

-- note_failed_attempt --
UPDATE outbox SET attempts = attempts + 1, last_error = :reason WHERE id = :id;

-- reject_checkin --
INSERT INTO outbox_rejected (id, boot_id, recorded_at, monotonic_seconds, body, rejected_at, reason)
SELECT id, boot_id, recorded_at, monotonic_seconds, body, :now, :reason
  FROM outbox WHERE id = :id;

-- drop_oldest_rejected --
-- Keeps the newest :keep; what it drops is counted.
DELETE FROM outbox_rejected
 WHERE id IN (SELECT id FROM outbox_rejected ORDER BY id DESC LIMIT -1 OFFSET :keep);

-- requeue_rejected --
-- Under their old ids: the seq inside the body is the id, and an id is never given twice.
INSERT INTO outbox (id, boot_id, recorded_at, monotonic_seconds, body)
SELECT id, boot_id, recorded_at, monotonic_seconds, body FROM outbox_rejected;

-- forget_rejected --
DELETE FROM outbox_rejected;

-- middle_checkin --
-- Half way between the oldest and the newest, by number.
-- One number each: together they would be looked for in every row.
SELECT ((SELECT min(id) FROM outbox) + (SELECT max(id) FROM outbox)) / 2 AS middle;

-- thinnable_checkins --
-- What was never sent, between the head and the newest: nobody knows its body yet.
SELECT id, recorded_at FROM outbox
 WHERE id > :after AND id <= :upto AND attempts = 0 ORDER BY id LIMIT :limit;

-- strip_checkin --
-- Its numbers stay; what they came from goes, and what was on the canvas.
UPDATE outbox
   SET body = json_remove(body, '$.sensor_data.sources', '$.sensor_data.drawing_eisv')
 WHERE id = :id
   AND CASE WHEN json_valid(body)
            THEN json_type(body, '$.sensor_data.sources') IS NOT NULL
                 OR json_type(body, '$.sensor_data.drawing_eisv') IS NOT NULL
            ELSE 0 END;

-- gaps --
SELECT first_seq, last_seq, count, stripped, from_at, upto_at, changed_seq
  FROM outbox_gaps ORDER BY first_seq;

-- remove_gap --
DELETE FROM outbox_gaps WHERE first_seq = :first_seq;

-- add_gap --
INSERT INTO outbox_gaps (first_seq, last_seq, count, stripped, from_at, upto_at, changed_seq)
VALUES (:first_seq, :last_seq, :missing, :stripped, :from_at, :upto_at, :changed_seq);

-- forget_told_gaps --
-- Of a check-in that was composed after the gap last changed, governance knows it.
DELETE FROM outbox_gaps WHERE changed_seq < :seq;
