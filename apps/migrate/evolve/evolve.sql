-- create --
-- Where each evolution stands; made when the first one begins.
CREATE TABLE IF NOT EXISTS ledger._abode_evolution (
    name        text PRIMARY KEY,
    declaration text NOT NULL,
    sha256      text NOT NULL,
    act         text NOT NULL,
    undoing     boolean NOT NULL DEFAULT false,
    place       jsonb NOT NULL DEFAULT '{}',
    begun_at    timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    switched_at timestamptz
);

-- exists --
-- Whether one ever began here.
SELECT to_regclass('ledger._abode_evolution') IS NOT NULL;

-- rows --
-- Where each stands.
SELECT name, declaration, sha256, act, undoing, place, begun_at, updated_at, switched_at, now()
  FROM ledger._abode_evolution ORDER BY begun_at, name;

-- begin --
-- Part of the transaction that adds the column.
INSERT INTO ledger._abode_evolution (name, declaration, sha256, act)
VALUES (:name, :declaration, :sha256, :act)
ON CONFLICT (name) DO UPDATE
   SET declaration = excluded.declaration, sha256 = excluded.sha256, act = excluded.act,
       undoing = false, place = '{}', begun_at = now(), updated_at = now(), switched_at = NULL;

-- reach --
-- An act is done: part of its transaction where it has one.
UPDATE ledger._abode_evolution
   SET act = :act, updated_at = now(),
       switched_at = CASE WHEN :act = 'switch' THEN now() ELSE switched_at END
 WHERE name = :name;

-- settle --
-- This one's commit waits for the disk, and takes with it what did not.
UPDATE ledger._abode_evolution SET updated_at = now() WHERE name = :name;

-- unswitch --
-- Part of the transaction that takes the switch back.
UPDATE ledger._abode_evolution SET act = :act, switched_at = NULL, updated_at = now()
 WHERE name = :name;

-- place --
-- How far the rows are filled: part of each batch.
UPDATE ledger._abode_evolution SET place = CAST(:place AS jsonb), updated_at = now()
 WHERE name = :name;

-- undo --
-- From here on only back.
UPDATE ledger._abode_evolution SET undoing = true, updated_at = now() WHERE name = :name;

-- forget --
-- Part of the transaction that drops the column again.
DELETE FROM ledger._abode_evolution WHERE name = :name;

-- hold --
-- One run of an evolution at a time; the server lets go when this connection ends.
SELECT pg_try_advisory_lock(:key, hashtext(:name));

-- let_go --
-- The next one may.
SELECT pg_advisory_unlock(:key, hashtext(:name));

-- holders --
-- Evolutions that are run now.
SELECT e.name, l.pid
  FROM ledger._abode_evolution AS e
  JOIN pg_locks AS l ON l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
       AND l.classid::bigint = :key
       AND l.objid::bigint = hashtext(e.name)::bigint & 4294967295
 WHERE l.database = (SELECT oid FROM pg_database WHERE datname = current_database());

-- tree --
-- A table and its partitions: name, whether it holds rows itself, depth.
SELECT c.oid::regclass::text, c.relkind = 'r', coalesce(t.level, 0)
  FROM (SELECT relid::oid AS relid, level FROM pg_partition_tree(to_regclass(:table))
        UNION SELECT to_regclass(:table)::oid, 0) AS t
  JOIN pg_class AS c ON c.oid = t.relid
 ORDER BY 3, 1;

-- key --
-- Columns of a table's primary key, in its order, with their types.
SELECT a.attname::text, format_type(a.atttypid, a.atttypmod)
  FROM pg_index AS i
 CROSS JOIN LATERAL unnest(i.indkey::smallint[]) WITH ORDINALITY AS k (attnum, place)
  JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
 WHERE i.indrelid = to_regclass(:table) AND i.indisprimary
 ORDER BY k.place;

-- column --
-- Whether a table has a column, and whether it is NOT NULL.
SELECT attnotnull FROM pg_attribute
 WHERE attrelid = to_regclass(:table) AND attname = :column AND NOT attisdropped AND attnum > 0;

-- default --
-- A column's type, its default as the server writes it, and whether that is one for all rows.
SELECT format_type(a.atttypid, a.atttypmod), pg_get_expr(d.adbin, d.adrelid), a.atthasmissing
  FROM pg_attribute AS a
  LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
 WHERE a.attrelid = to_regclass(:table) AND a.attname = :column AND NOT a.attisdropped;

-- view --
-- What a view is: its query as the server writes it, and its options.
SELECT pg_get_viewdef(c.oid), coalesce(c.reloptions, '{}')
  FROM pg_class AS c WHERE c.oid = to_regclass(:view) AND c.relkind = 'v';

-- views --
-- Views that read a column of a table or of one of its partitions.
SELECT DISTINCT format('%s.%s', v.relnamespace::regnamespace, v.relname),
       CASE v.relkind WHEN 'm' THEN 'materialized view' ELSE 'view' END
  FROM pg_attribute AS a
  JOIN pg_depend AS d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = a.attrelid
       AND d.refobjsubid = a.attnum AND d.classid = 'pg_rewrite'::regclass
  JOIN pg_rewrite AS w ON w.oid = d.objid
  JOIN pg_class AS v ON v.oid = w.ev_class AND v.relkind IN ('v', 'm')
 WHERE a.attname = :column AND NOT a.attisdropped
   AND a.attrelid = ANY (CAST(:oids AS regclass[]))
 ORDER BY 1;

-- target --
-- Whether a foreign key can refer to a column, and whether we may have it do so.
SELECT EXISTS (
           SELECT FROM pg_index AS i
            WHERE i.indrelid = a.attrelid AND i.indisunique AND i.indisvalid AND i.indimmediate
              AND i.indpred IS NULL AND i.indnkeyatts = 1 AND i.indkey[0] = a.attnum),
       has_table_privilege(a.attrelid, 'REFERENCES')
  FROM pg_attribute AS a
 WHERE a.attrelid = to_regclass(:table) AND a.attname = :column AND NOT a.attisdropped;

-- referrers --
-- Foreign keys that refer to a column of a table or of one of its partitions.
SELECT DISTINCT k.conname::text, k.conrelid::regclass::text
  FROM pg_constraint AS k
  JOIN pg_attribute AS a ON a.attrelid = k.confrelid AND a.attnum = ANY (k.confkey)
 WHERE k.contype = 'f' AND k.conparentid = 0 AND a.attname = :column
   AND a.attrelid = ANY (CAST(:oids AS regclass[]))
 ORDER BY 2, 1;

-- hidden --
-- Those of a table and its partitions of which row security hides rows from us.
SELECT c.oid::regclass::text
  FROM pg_class AS c
 WHERE c.oid = ANY (CAST(:oids AS regclass[])) AND row_security_active(c.oid)
   AND (EXISTS (SELECT FROM pg_policy AS p WHERE p.polrelid = c.oid AND NOT p.polpermissive)
        OR NOT EXISTS (
            SELECT FROM pg_policy AS p
             WHERE p.polrelid = c.oid AND p.polpermissive AND p.polcmd = '*'
               AND pg_get_expr(p.polqual, p.polrelid) = 'true'
               AND p.polroles && ARRAY[0::oid, current_user::regrole::oid]))
 ORDER BY 1;

-- read_by --
-- Columns of a table that a view reads.
SELECT DISTINCT a.attname::text
  FROM pg_rewrite AS w
  JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
  JOIN pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
 WHERE w.ev_class = to_regclass(:view) AND d.refclassid = 'pg_class'::regclass
   AND d.refobjid = to_regclass(:table) AND d.refobjsubid > 0
 ORDER BY 1;

-- in_use --
-- Who has a table or one of its partitions in use, and in which transaction.
SELECT DISTINCT l.pid, l.virtualtransaction, coalesce(a.application_name, ''),
       coalesce(a.usename::text, '')
  FROM pg_locks AS l
  LEFT JOIN pg_stat_activity AS a ON a.pid = l.pid
 WHERE l.locktype = 'relation' AND l.granted AND l.pid <> pg_backend_pid()
   AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND l.relation = ANY (CAST(:oids AS regclass[]));

-- constraint --
-- Whether it is there, and validated.
SELECT convalidated FROM pg_constraint
 WHERE conrelid = to_regclass(:table) AND conname = :constraint;

-- index --
-- An index of a schema by name: valid, and attached to one of a partitioned table.
SELECT i.indisvalid, EXISTS (SELECT FROM pg_inherits AS h WHERE h.inhrelid = i.indexrelid)
  FROM pg_index AS i
 WHERE i.indexrelid = to_regclass(:index);

-- indexed --
-- Whether a partition has an index that belongs to that of the whole.
SELECT EXISTS (
    SELECT FROM pg_inherits AS h JOIN pg_index AS i ON i.indexrelid = h.inhrelid
     WHERE h.inhparent = to_regclass(:index) AND i.indrelid = to_regclass(:table)
       AND i.indisvalid);

-- lag --
-- Where the log is, where the slowest replica is, and what the server says of their delay.
SELECT (pg_current_wal_lsn() - '0/0'::pg_lsn)::bigint,
       (SELECT min(coalesce(confirmed_flush_lsn, restart_lsn) - '0/0'::pg_lsn)::bigint
          FROM pg_replication_slots),
       (SELECT extract(epoch FROM max(replay_lag))::float8 FROM pg_stat_replication);

-- readers --
-- Sessions that may still know the old column: of whom, and the schema that they declare.
SELECT a.pid, coalesce(a.usename::text, ''), a.application_name
  FROM pg_stat_activity AS a
 WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() AND a.usesysid IS NOT NULL
   AND a.application_name NOT LIKE 'abode%' AND a.application_name NOT LIKE 'pg\_cron%'
   AND has_any_column_privilege(a.usesysid, to_regclass(:table), 'SELECT, INSERT, UPDATE')
   AND NOT (SELECT r.rolsuper FROM pg_roles AS r WHERE r.oid = a.usesysid)
   AND coalesce(substring(a.application_name FROM '@(\d{4})$'), '0000') < :number
 ORDER BY a.pid;

-- dependents --
-- What would break, or go, with a column of a table and of its partitions.
WITH old AS (
    SELECT attrelid, attnum FROM pg_attribute
     WHERE attrelid = ANY (CAST(:oids AS regclass[])) AND attname = :column AND NOT attisdropped
)
SELECT pg_describe_object(d.classid, d.objid, d.objsubid), coalesce(k.conname, i.relname, '')::text
  FROM old
  JOIN pg_depend AS d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = old.attrelid
       AND d.refobjsubid = old.attnum
  LEFT JOIN pg_constraint AS k ON d.classid = 'pg_constraint'::regclass AND k.oid = d.objid
  LEFT JOIN pg_class AS i ON d.classid = 'pg_class'::regclass AND i.oid = d.objid
 WHERE NOT (d.classid = 'pg_attrdef'::regclass AND EXISTS (
           SELECT FROM pg_attrdef AS f WHERE f.oid = d.objid AND f.adnum = old.attnum))
   AND NOT (d.classid = 'pg_class'::regclass AND (i.relkind = 'S' OR i.relispartition))
   AND coalesce(k.conparentid, 0) = 0
   AND NOT (d.classid = 'pg_trigger'::regclass AND EXISTS (
           SELECT FROM pg_trigger AS g JOIN pg_proc AS f ON f.oid = g.tgfoid
            WHERE g.oid = d.objid AND f.proname = :keeper))
UNION
SELECT format('function %s', f.oid::regprocedure), f.proname::text
  FROM pg_proc AS f
 WHERE EXISTS (SELECT FROM old) AND f.oid >= 16384
   AND f.proname <> :keeper
   AND f.prosrc ~ ('\m' || CAST(:column AS text) || '\M')
   AND f.prosrc ~ ('\m' || CAST(:bare AS text) || '\M')
 ORDER BY 1;
