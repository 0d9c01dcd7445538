-- append --
-- Events in the order of the array, all or none; and only if the streams that they are based on
-- are where they were.
SELECT log.append($1, $2);

-- settled --
-- What comes after an event and can have nothing before it any more: a transaction that is older
-- than all that are still running is over, so that no late commit is passed over.
SELECT e.position, e.transaction_id, e.stream, e.version, e.type, e.schema_version,
       e.recorded_at, e.data, e.metadata
  FROM log.events AS e
 WHERE (e.transaction_id, e.position) > (%(transaction_id)s, %(position)s)
   AND e.transaction_id < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
 ORDER BY e.transaction_id, e.position
 LIMIT %(limit)s;

-- newest --
-- The last event, be it that readers wait for an older one.
SELECT e.transaction_id, e.position
  FROM log.events AS e
 ORDER BY e.transaction_id DESC, e.position DESC
 LIMIT 1;

-- life --
-- All that happened to one, up to an instant.
SELECT e.position, e.transaction_id, e.stream, e.version, e.type, e.schema_version,
       e.recorded_at, e.data, e.metadata
  FROM log.events AS e
 WHERE e.stream = %(stream)s AND e.version > %(version)s
   AND (%(until)s::timestamptz IS NULL OR e.recorded_at <= %(until)s)
 ORDER BY e.version
 LIMIT %(limit)s;

-- follower --
-- How far a follower is; held until the transaction ends, so that no two take the same.
SELECT f.transaction_id, f.position, f.taken, f.recorded_at
  FROM log.followers AS f
 WHERE f.follower = %(follower)s
   FOR UPDATE;

-- begin_follower --
INSERT INTO log.followers (follower, transaction_id, position, taken)
VALUES (%(follower)s, 0, 0, 0)
ON CONFLICT (follower) DO NOTHING;

-- hold_follower --
-- One of a name at a time. Not by its row: a row's lock gives the transaction a number, and whoever
-- follows the log would have to wait for it.
SELECT pg_advisory_xact_lock(hashtextextended('soulfra.follower/' || %(follower)s, 0));

-- place --
SELECT f.transaction_id, f.position FROM log.followers AS f WHERE f.follower = %(follower)s;

-- move_follower --
-- Only from where it was seen.
INSERT INTO log.followers AS f (follower, transaction_id, position, taken, recorded_at)
VALUES (%(follower)s, %(transaction_id)s, %(position)s, %(taken)s, %(recorded_at)s)
ON CONFLICT (follower) DO UPDATE
   SET transaction_id = excluded.transaction_id, position = excluded.position,
       taken = f.taken + excluded.taken, recorded_at = excluded.recorded_at,
       moved_at = clock_timestamp()
 WHERE (f.transaction_id, f.position) = (%(from_transaction_id)s, %(from_position)s);

-- move_follower_to --
-- The end of a transaction; counts what it took on the way.
UPDATE log.followers AS f
   SET transaction_id = %(transaction_id)s, position = e.position, taken = f.taken + e.taken,
       recorded_at = e.recorded_at, moved_at = clock_timestamp()
  FROM (SELECT coalesce(max(v.position), 0) AS position, count(*) AS taken,
               max(v.recorded_at) AS recorded_at
          FROM log.events AS v
         WHERE v.transaction_id <= %(transaction_id)s
           AND v.transaction_id > (SELECT o.transaction_id FROM log.followers AS o
                                    WHERE o.follower = %(follower)s)) AS e
 WHERE f.follower = %(follower)s;

-- take_changes --
-- Waits while a rebuild compares and swaps.
SELECT pg_advisory_xact_lock(hashtext('soulfra.changes'));

-- hold_changes --
SELECT pg_advisory_lock(hashtext('soulfra.changes'));

-- release_changes --
SELECT pg_advisory_unlock(hashtext('soulfra.changes'));

-- horizon --
-- What is older than this is over; readers of the log go no further.
SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint;

-- chunk --
-- The last of the next transactions that hold about so many events, and how many they are.
SELECT max(e.transaction_id), count(*)
  FROM (SELECT v.transaction_id FROM log.events AS v
         WHERE v.transaction_id > %(after)s AND v.transaction_id < %(horizon)s
         ORDER BY v.transaction_id, v.position
         LIMIT %(limit)s) AS e;

-- lag --
-- How many events each follower has not taken yet, no more than a limit, and the seconds since the
-- oldest of them. Who never took one is behind all.
SELECT asked.follower, behind.events, behind.seconds
  FROM unnest(%(followers)s::text[]) AS asked (follower)
  LEFT JOIN log.followers AS f ON f.follower = asked.follower
 CROSS JOIN LATERAL (
       SELECT count(*) AS events,
              coalesce(extract(epoch FROM clock_timestamp() - min(l.recorded_at)), 0)::float8
              AS seconds
         FROM (SELECT e.recorded_at FROM log.events AS e
                WHERE (e.transaction_id, e.position)
                      > (coalesce(f.transaction_id, 0), coalesce(f.position, 0))
                ORDER BY e.transaction_id, e.position
                LIMIT %(limit)s) AS l) AS behind
 ORDER BY asked.follower;

-- done --
INSERT INTO log.commands (command_id, name, body_sha256, answer)
SELECT new.command_id, new.name, decode(new.body_sha256, 'hex'), new.answer
  FROM jsonb_to_recordset($1) AS new (
       command_id uuid, name text, body_sha256 text, answer jsonb);

-- forget_commands --
SELECT log.forget_commands(%(most)s);

-- blessing_numbers --
SELECT nextval('soulfra.blessings_id_seq') FROM generate_series(1, %(count)s);

-- prophecy_numbers --
SELECT nextval('soulfra.prophecies_id_seq') FROM generate_series(1, %(count)s);

-- create_loop_months --
SELECT soulfra.create_loop_months(now());

-- verify --
SELECT f.stream, f.version, f.fault FROM log.verify(%(stream)s) AS f LIMIT %(limit)s;
