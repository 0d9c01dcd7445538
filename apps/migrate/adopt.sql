-- schema --
-- Whatever somebody made, but for ledgers and what SQLite makes itself.
SELECT type AS kind, name, tbl_name AS table_name, sql FROM sqlite_schema
 WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\_%' ESCAPE '\'
   AND tbl_name NOT IN
       ('_abode_adopted', '_abode_checksum', '_yoyo_log', '_yoyo_migration', '_yoyo_version',
        'yoyo_lock')
 ORDER BY type, name;

-- columns --
-- Name, declared type, NOT NULL, default and place in the key.
SELECT name, type, "notnull" AS not_null, dflt_value AS otherwise, pk
  FROM pragma_table_info(:table);

-- unique --
-- What must not occur twice, beside the key.
SELECT group_concat(name) FROM
       (SELECT i.name AS of, c.name AS name FROM pragma_index_list(:table) AS i
          JOIN pragma_index_info(i.name) AS c WHERE i."unique" AND i.origin <> 'pk'
         ORDER BY i.name, c.seqno)
 GROUP BY of;

-- index --
-- Column, direction and collation, in order.
SELECT name, "desc", coll FROM pragma_index_xinfo(:name) WHERE key ORDER BY seqno;

-- references --
-- Which columns point at which tables.
SELECT "from", "table", "to", on_delete FROM pragma_foreign_key_list(:table);

-- user_version --
-- A number that an application may keep in the file's head.
SELECT 'setting' AS kind, 'user_version' AS name, NULL AS table_name, user_version AS sql
  FROM pragma_user_version WHERE user_version <> 0;

-- create_adopted --
-- What was there before us, and where the naive timestamps in it were taken.
CREATE TABLE _abode_adopted (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    table_name TEXT,
    sql TEXT NOT NULL,
    time_zone TEXT,
    adopted_at TEXT NOT NULL,
    PRIMARY KEY (kind, name)
) STRICT;

-- record_adopted --
-- One object, as it is now.
INSERT INTO _abode_adopted (kind, name, table_name, sql, time_zone, adopted_at)
VALUES (:kind, :name, :table_name, :sql, :time_zone, :adopted_at);

-- is_adopted --
-- Whether there is a record of an adoption.
SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = '_abode_adopted';

-- adopted_zone --
-- The zone that was declared.
SELECT time_zone FROM _abode_adopted
 WHERE kind = 'table' AND name NOT IN ('trajectory_events') LIMIT 1;

-- ways --
-- How each applied migration came to be so, the last time.
SELECT m.migration_id,
       (SELECT l.operation FROM _yoyo_log AS l WHERE l.migration_id = m.migration_id
         ORDER BY l.created_at_utc DESC, l.rowid DESC LIMIT 1)
  FROM _yoyo_migration AS m;

-- accepted --
-- What was there before us, tables first.
SELECT kind, name, table_name, sql FROM _abode_adopted
 ORDER BY CASE kind WHEN 'table' THEN 1 WHEN 'view' THEN 2 ELSE 3 END, name;
