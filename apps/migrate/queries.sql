-- create_yoyo --
-- Yoyo's tables, as yoyo 9 makes them: its version 2.
CREATE TABLE _yoyo_migration (
    migration_hash VARCHAR(64),
    migration_id VARCHAR(255),
    applied_at_utc TIMESTAMP,
    PRIMARY KEY (migration_hash)
);
CREATE TABLE _yoyo_log (
    id VARCHAR(36),
    migration_hash VARCHAR(64),
    migration_id VARCHAR(255),
    operation VARCHAR(10),
    username VARCHAR(255),
    hostname VARCHAR(255),
    comment VARCHAR(255),
    created_at_utc TIMESTAMP,
    PRIMARY KEY (id)
);
CREATE TABLE _yoyo_version (
    version INT NOT NULL PRIMARY KEY,
    installed_at_utc TIMESTAMP
);
CREATE TABLE yoyo_lock (
    locked INT DEFAULT 1,
    ctime TIMESTAMP,
    pid INT NOT NULL,
    PRIMARY KEY (locked)
);

-- note_version --
-- So that yoyo finds nothing to upgrade.
INSERT INTO _yoyo_version (version, installed_at_utc) VALUES (2, :at);

-- create_checksums --
-- What each applied migration and each post-apply held, so that an edited file is noticed.
CREATE TABLE IF NOT EXISTS _abode_checksum (
    migration_id VARCHAR(255) PRIMARY KEY,
    sha256 CHAR(64) NOT NULL,
    applied_at_utc TIMESTAMP,
    content BYTEA
);

-- add_applied_at --
-- Ledgers of the first release have neither this column nor the next.
ALTER TABLE _abode_checksum ADD COLUMN applied_at_utc TIMESTAMP;

-- add_content --
-- The text that was applied, compressed: so the line that was edited can be named.
ALTER TABLE _abode_checksum ADD COLUMN content BYTEA;

-- applied --
-- Every migration in the ledger and when it was applied, in UTC.
SELECT migration_id, applied_at_utc FROM _yoyo_migration ORDER BY migration_id;

-- checksums --
-- The recorded content of whatever ran.
SELECT migration_id, sha256, applied_at_utc FROM _abode_checksum;

-- first_checksums --
-- The same of a ledger of the first release.
SELECT migration_id, sha256, NULL FROM _abode_checksum;

-- content --
-- What was applied.
SELECT content FROM _abode_checksum WHERE migration_id = :migration_id;

-- mark --
-- Yoyo's row, as yoyo writes it.
INSERT INTO _yoyo_migration (migration_hash, migration_id, applied_at_utc)
    VALUES (:migration_hash, :migration_id, :at);

-- is_marked --
-- Whether a migration is applied.
SELECT count(*) = 1 FROM _yoyo_migration WHERE migration_id = :migration_id;

-- unmark --
-- Part of the transaction that rolls it back.
DELETE FROM _yoyo_migration WHERE migration_id = :migration_id;

-- log --
-- Yoyo's log, as yoyo writes it.
INSERT INTO _yoyo_log
    (id, migration_hash, migration_id, operation, username, hostname, created_at_utc)
    VALUES (:id, :migration_hash, :migration_id, :operation, :username, :hostname, :at);

-- record --
-- Part of the transaction that ran it; an edited post-apply takes the place of the old.
INSERT INTO _abode_checksum (migration_id, sha256, applied_at_utc, content)
    VALUES (:migration_id, :sha256, :at, :content)
    ON CONFLICT (migration_id) DO UPDATE
    SET sha256 = excluded.sha256, applied_at_utc = excluded.applied_at_utc,
        content = excluded.content;

-- sign --
-- The same for one that plain yoyo applied.
INSERT INTO _abode_checksum (migration_id, sha256, applied_at_utc, content)
    SELECT migration_id, :sha256, applied_at_utc, :content
      FROM _yoyo_migration WHERE migration_id = :migration_id
    ON CONFLICT (migration_id) DO UPDATE
    SET sha256 = excluded.sha256, applied_at_utc = excluded.applied_at_utc,
        content = excluded.content;

-- forget_checksum --
-- Part of the transaction that rolled it back.
DELETE FROM _abode_checksum WHERE migration_id = :migration_id;

-- forget_post_applies --
-- Part of every migration: what follows it is due again.
DELETE FROM _abode_checksum WHERE substr(migration_id, 1, 11) = 'post-apply.';

-- postgres_mark --
-- Postgres: the four of a migration in one statement, which is planned once.
WITH marked AS (
    INSERT INTO _yoyo_migration (migration_hash, migration_id, applied_at_utc)
    VALUES (:migration_hash, :migration_id, :at)
), logged AS (
    INSERT INTO _yoyo_log
        (id, migration_hash, migration_id, operation, username, hostname, created_at_utc)
    VALUES (:id, :migration_hash, :migration_id, :operation, :username, :hostname, :at)
), recorded AS (
    INSERT INTO _abode_checksum (migration_id, sha256, applied_at_utc, content)
    VALUES (:migration_id, :sha256, :at, :content)
    ON CONFLICT (migration_id) DO UPDATE
    SET sha256 = excluded.sha256, applied_at_utc = excluded.applied_at_utc,
        content = excluded.content
)
DELETE FROM _abode_checksum WHERE substr(migration_id, 1, 11) = 'post-apply.';

-- hold_yoyo --
-- Yoyo's own lock, so that a plain `yoyo apply` waits for us. Ours have a negative pid.
INSERT INTO yoyo_lock (locked, ctime, pid) VALUES (1, :at, :pid) ON CONFLICT (locked) DO NOTHING;

-- yoyo_holder --
-- Who holds it.
SELECT pid FROM yoyo_lock;

-- sweep_yoyo --
-- Of a process that is dead.
DELETE FROM yoyo_lock WHERE pid = :pid;

-- postgres_ledger --
-- Postgres: tables and columns of the ledger.
SELECT c.relname, a.attname
  FROM pg_class AS c
  JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE c.relnamespace = to_regnamespace('ledger') AND c.relkind = 'r';

-- sqlite_ledger --
-- SQLite: tables and columns of the ledger.
SELECT t.name, c.name FROM sqlite_master AS t JOIN pragma_table_info(t.name) AS c
 WHERE t.type = 'table'
   AND t.name IN ('_abode_checksum', '_yoyo_log', '_yoyo_migration', '_yoyo_version', 'yoyo_lock');

-- advisory_lock --
-- Postgres: wait for the one lock of all migrations of this database.
SELECT pg_advisory_lock(:key);

-- advisory_unlock --
-- Postgres: let the next one in.
SELECT pg_advisory_unlock(:key);

-- advisory_lock_holder --
-- Postgres: who holds it.
SELECT activity.pid, activity.application_name
  FROM pg_locks AS held
  JOIN pg_stat_activity AS activity USING (pid)
  JOIN pg_database AS here ON here.oid = held.database
 WHERE held.locktype = 'advisory' AND held.granted AND held.objsubid = 1
   AND here.datname = current_database()
   AND ((held.classid::bigint << 32) | held.objid::bigint) = :key;

-- others --
-- Postgres: sessions that may be a plain yoyo at work, of any role.
SELECT count(*) FROM pg_stat_activity
 WHERE datname = current_database() AND pid <> pg_backend_pid() AND usesysid IS NOT NULL
   AND application_name NOT LIKE 'abode%' AND application_name NOT LIKE 'pg\_cron%'
   AND application_name !~ '^(governance|soulfra)\M';

-- note_transaction --
-- Postgres: a file that commits keeps this, but not the transaction; one that rolls back neither.
SELECT set_config('abode.transaction', pg_current_xact_id()::text, false);

-- is_transaction --
-- Postgres: whether it is still the same.
SELECT pg_catalog.current_setting('abode.transaction', true)
       = pg_catalog.pg_current_xact_id()::text;

-- was_committed --
-- Postgres: whether the transaction that noted itself was committed, though an error came of it.
SELECT coalesce(pg_catalog.current_setting('abode.transaction', true), '') <> '';

-- postgres_touched --
-- Postgres: tables on which this transaction has a lock that lets it change them.
SELECT DISTINCT n.nspname || '.' || c.relname
  FROM pg_locks AS l
  JOIN pg_class AS c ON c.oid = coalesce(pg_partition_root(l.relation), l.relation)
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND l.granted
   AND c.relkind IN ('r', 'p') AND l.mode NOT IN ('AccessShareLock', 'RowShareLock');

-- postgres_content --
-- Postgres: rows of a table, and what they hold.
SELECT count(*), coalesce(sum(hashtextextended(r::text, 0)::numeric), 0)
  FROM (SELECT {names} FROM {table}) AS r;

-- postgres_tables --
-- Postgres: tables with their columns; a partition's rows are its parent's.
SELECT n.nspname || '.' || c.relname, array_agg(a.attname::text ORDER BY a.attnum),
       c.relkind = 'p'
  FROM pg_class AS c
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
  JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname !~ '^pg_'
   AND n.nspname NOT IN ('information_schema', 'ledger', 'ag_catalog', 'cron')
 GROUP BY n.nspname, c.relname, c.relkind;

-- sqlite_tables --
-- SQLite: tables with their columns.
SELECT t.name, json_group_array(c.name) FROM sqlite_master AS t JOIN pragma_table_info(t.name) AS c
 WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite\_%' ESCAPE '\'
   AND t.name NOT IN
       ('_abode_adopted', '_abode_checksum', '_yoyo_log', '_yoyo_migration', '_yoyo_version',
        'yoyo_lock')
 GROUP BY t.name;
