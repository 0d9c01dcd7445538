-- The extensions of this database, who was let into their schemas, what new objects leave open.
SELECT json_build_object(
  'extensions', (SELECT json_object_agg(extname, extversion) FROM pg_catalog.pg_extension),
  'available', (SELECT json_object_agg(name, default_version) FROM pg_catalog.pg_available_extensions),
  'usage', (SELECT json_object_agg(n.nspname, coalesce((
        SELECT json_object_agg(coalesce(r.rolname, ''), x.rights)
          FROM (SELECT a.grantee, string_agg(left(a.privilege_type, 1)
                       || CASE WHEN a.is_grantable THEN '*' ELSE '' END, '' ORDER BY a.privilege_type) AS rights
                  FROM aclexplode(n.nspacl) a
                 WHERE a.grantor = n.nspowner AND a.grantee <> n.nspowner GROUP BY a.grantee) x
          LEFT JOIN pg_catalog.pg_roles r ON r.oid = x.grantee), '{}'))
     FROM pg_catalog.pg_namespace n WHERE n.nspname IN ('ag_catalog', 'cron', 'trgm')),
  'age_closed', (SELECT NOT EXISTS (
        SELECT FROM pg_catalog.pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
         WHERE p.pronamespace = to_regnamespace('ag_catalog') AND a.grantee = 0
           AND p.proname IN ('create_graph', 'drop_graph', 'alter_graph', 'create_vlabel',
               'create_elabel', 'drop_label', 'load_labels_from_file', 'load_edges_from_file',
               'create_complete_graph', 'age_create_barbell_graph'))
     AND has_table_privilege(b.datdba, to_regclass('ag_catalog.ag_label'), 'SELECT')
     AND has_table_privilege(b.datdba, to_regclass('ag_catalog.ag_graph'), 'SELECT')
    FROM pg_catalog.pg_database b WHERE b.datname = current_database()),
  'large_closed', (SELECT NOT EXISTS (
        SELECT FROM pg_catalog.pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
         WHERE p.pronamespace = to_regnamespace('pg_catalog') AND a.grantee = 0
           AND p.proname IN ('lo_creat', 'lo_create', 'lo_from_bytea', 'lo_put', 'lo_open',
               'lowrite', 'lo_import', 'lo_export', 'lo_unlink'))),
  'closed', (SELECT json_agg(CASE d.defaclobjtype WHEN 'f' THEN 'FUNCTIONS' ELSE 'TYPES' END)
     FROM pg_catalog.pg_default_acl d
     JOIN pg_catalog.pg_database b ON b.datname = current_database() AND b.datdba = d.defaclrole
    WHERE d.defaclnamespace = 0 AND d.defaclobjtype IN ('f', 'T')
      AND NOT EXISTS (SELECT FROM aclexplode(d.defaclacl) a WHERE a.grantee = 0))
);
