-- catalog --
-- One JSON array of [kind, name, table, text]. Left out: the ledger, and what SQLite makes itself.
SELECT json_group_array(json_array(kind, name, tbl_name, text)) FROM (
    SELECT type AS kind, name, tbl_name, sql AS text FROM sqlite_schema
     WHERE name NOT LIKE 'sqlite\_%' ESCAPE '\'
       AND tbl_name NOT LIKE '\_yoyo\_%' ESCAPE '\'
       AND tbl_name NOT IN ('yoyo_lock', '_abode_checksum', '_abode_adopted')
    UNION ALL SELECT 'pragma', 'journal_mode', '', journal_mode FROM pragma_journal_mode
    UNION ALL SELECT 'pragma', 'user_version', '', user_version FROM pragma_user_version
    UNION ALL SELECT 'pragma', 'application_id', '', application_id FROM pragma_application_id
    UNION ALL SELECT 'pragma', 'encoding', '', encoding FROM pragma_encoding
    UNION ALL SELECT 'pragma', 'auto_vacuum', '', auto_vacuum FROM pragma_auto_vacuum
);
