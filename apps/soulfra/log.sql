-- append --
-- Events in the order of the array, all or none. A trigger takes each as the next of its stream only.
INSERT INTO log.events (stream, version, type, schema_version, data, metadata)
SELECT new.stream, new.version, new.type, new.schema_version, new.data, new.metadata
  FROM ROWS FROM (jsonb_to_recordset(%(events)s) AS (
           stream text, version bigint, type text, schema_version integer, data jsonb,
           metadata jsonb)) WITH ORDINALITY AS new
 ORDER BY new.ordinality;

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

-- move_follower --
UPDATE log.followers AS f
   SET transaction_id = %(transaction_id)s, position = %(position)s, taken = f.taken + %(taken)s,
       recorded_at = %(recorded_at)s, moved_at = clock_timestamp()
 WHERE f.follower = %(follower)s;

-- lag --
-- How many events a follower has not taken yet, and the seconds since the oldest of them.
SELECT count(*), coalesce(extract(epoch FROM clock_timestamp() - min(e.recorded_at)), 0)::float8
  FROM log.followers AS f
  JOIN log.events AS e ON (e.transaction_id, e.position) > (f.transaction_id, f.position)
 WHERE f.follower = %(follower)s;

-- done --
INSERT INTO log.commands (command_id, name, body_sha256, answer)
SELECT new.command_id, new.name, decode(new.body_sha256, 'hex'), new.answer
  FROM jsonb_to_recordset(%(commands)s) AS new (
       command_id uuid, name text, body_sha256 text, answer jsonb);

-- blessing_numbers --
SELECT nextval('soulfra.blessings_id_seq') FROM generate_series(1, %(count)s);

-- prophecy_numbers --
SELECT nextval('soulfra.prophecies_id_seq') FROM generate_series(1, %(count)s);

-- create_loop_months --
SELECT soulfra.create_loop_months(now());

-- verify --
SELECT f.stream, f.version, f.fault FROM log.verify(%(stream)s) AS f LIMIT %(limit)s;
