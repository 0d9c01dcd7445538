-- catalog --
-- One JSON array of [kind, name, table, text]. Left out: the tables of the ledger and of an adoption
-- (not what hangs on them), and what SQLite makes itself.
SELECT json_group_array(json_array(kind, name, tbl_name, text)) FROM (
    SELECT type AS kind, name, tbl_name, sql AS text FROM sqlite_schema
     WHERE name NOT LIKE 'sqlite\_%' ESCAPE '\'
       AND NOT (type = 'table' AND name IN ('_abode_adopted', '_abode_checksum', '_yoyo_log',
                                            '_yoyo_migration', '_yoyo_version', 'yoyo_lock'))
    UNION ALL SELECT 'pragma', 'journal_mode', '', journal_mode FROM pragma_journal_mode
    UNION ALL SELECT 'pragma', 'user_version', '', user_version FROM pragma_user_version
    UNION ALL SELECT 'pragma', 'application_id', '', application_id FROM pragma_application_id
    UNION ALL SELECT 'pragma', 'encoding', '', encoding FROM pragma_encoding
    UNION ALL SELECT 'pragma', 'auto_vacuum', '', auto_vacuum FROM pragma_auto_vacuum
);
