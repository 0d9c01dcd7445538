-- create_checksums --
-- What each applied migration and each post-apply held, so that an edited file is noticed.
CREATE TABLE IF NOT EXISTS _abode_checksum (
    migration_id VARCHAR(255) PRIMARY KEY,
    sha256 CHAR(64) NOT NULL
);

-- applied --
-- Every migration in the ledger and when it was applied, in UTC.
SELECT migration_id, applied_at_utc FROM _yoyo_migration ORDER BY migration_id;

-- checksums --
-- The recorded content of whatever ran.
SELECT migration_id, sha256 FROM _abode_checksum;

-- record_checksum --
-- Part of the transaction that ran it; an edited post-apply takes the place of the old.
INSERT INTO _abode_checksum (migration_id, sha256) VALUES (:migration_id, :sha256)
    ON CONFLICT (migration_id) DO UPDATE SET sha256 = excluded.sha256;

-- forget_checksum --
-- Part of the transaction that rolled it back.
DELETE FROM _abode_checksum WHERE migration_id = :migration_id;

-- forget_post_applies --
-- Part of every migration: what follows it is due again.
DELETE FROM _abode_checksum WHERE substr(migration_id, 1, 11) = 'post-apply.';

-- ledger_exists --
-- Postgres: whether the schema of the ledger is there.
SELECT to_regnamespace('ledger') IS NOT NULL;

-- advisory_lock --
-- Postgres: wait for the one lock of all migrations of this database.
SELECT pg_advisory_lock(%(key)s::bigint);

-- advisory_lock_holder --
-- Postgres: who holds it.
SELECT activity.pid, activity.application_name
  FROM pg_locks AS held
  JOIN pg_stat_activity AS activity USING (pid)
  JOIN pg_database AS here ON here.oid = held.database
 WHERE held.locktype = 'advisory' AND held.granted AND held.objsubid = 1
   AND here.datname = current_database()
   AND ((held.classid::bigint << 32) | held.objid::bigint) = %(key)s::bigint;
