-- schema --
-- Whatever somebody made, but for ledgers and what SQLite makes itself.
SELECT type AS kind, name, tbl_name AS table_name, sql FROM sqlite_schema
 WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\_%' ESCAPE '\'
   AND tbl_name NOT IN
       ('_abode_adopted', '_abode_checksum', '_yoyo_log', '_yoyo_migration', '_yoyo_version',
        'yoyo_lock')
 ORDER BY type, name;

-- columns --
-- Name, declared type, NOT NULL, default, place in the key, and whether it is computed.
SELECT name, type, "notnull" AS not_null, dflt_value AS otherwise, pk, hidden
  FROM pragma_table_xinfo(:table);

-- unique --
-- What must not occur twice, beside the key, and how it is compared.
SELECT group_concat(said) || CASE WHEN max(partial) THEN ' WHERE ...' ELSE '' END FROM
       (SELECT i.name AS of, i.partial AS partial,
               coalesce(lower(c.name), 'an expression') ||
               CASE upper(c.coll) WHEN 'BINARY' THEN '' ELSE ' COLLATE ' || c.coll END AS said
          FROM pragma_index_list(:table) AS i JOIN pragma_index_xinfo(i.name) AS c
         WHERE i."unique" AND i.origin <> 'pk' AND c.key ORDER BY i.name, c.seqno)
 GROUP BY of;

-- index --
-- Its table and each column with direction and collation, in order. The whole text of one that
-- has a condition or an expression: no pragma tells those.
SELECT s.name, lower(s.tbl_name), l."unique", lower(c.name), c."desc", upper(c.coll),
       CASE WHEN l.partial OR c.cid = -2 THEN s.sql END
  FROM sqlite_schema AS s
  JOIN pragma_index_list(s.tbl_name) AS l ON l.name = s.name
  JOIN pragma_index_xinfo(s.name) AS c
 WHERE s.type = 'index' AND s.name = :name COLLATE NOCASE AND c.key ORDER BY c.seqno;

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

-- vouch --
-- The line of the log that says 'adopt' also says what was accepted.
UPDATE _yoyo_log SET comment = :accepted WHERE migration_id = :migration_id AND operation = 'adopt';

-- ways --
-- How each applied migration came to be so, the last time, and what was said of it.
SELECT m.migration_id, l.operation, l.comment
  FROM _yoyo_migration AS m
  LEFT JOIN _yoyo_log AS l ON l.rowid =
       (SELECT n.rowid FROM _yoyo_log AS n WHERE n.migration_id = m.migration_id
         ORDER BY n.created_at_utc DESC, n.rowid DESC LIMIT 1);

-- accepted --
-- What was there before us, tables first.
SELECT kind, name, table_name, sql, time_zone FROM _abode_adopted
 ORDER BY CASE kind WHEN 'table' THEN 1 WHEN 'view' THEN 2 ELSE 3 END, kind, name;
