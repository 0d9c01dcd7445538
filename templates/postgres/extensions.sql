-- The extensions of this database, and who may look into AGE's schema.
SELECT json_build_object(
  'extensions', (SELECT json_object_agg(extname, extversion) FROM pg_catalog.pg_extension),
  'available', (SELECT json_object_agg(name, default_version) FROM pg_catalog.pg_available_extensions),
  'ag_catalog_public', (SELECT count(*) FROM pg_catalog.pg_namespace n, aclexplode(n.nspacl) a
                         WHERE n.nspname = 'ag_catalog' AND a.grantee = 0)
);
