-- What the server knows of roles, databases and extensions, as one JSON object.
SELECT json_build_object(
  'roles', (SELECT json_object_agg(rolname, json_build_object(
      'verifier', rolpassword, 'login', rolcanlogin, 'superuser', rolsuper, 'createdb', rolcreatedb,
      'createrole', rolcreaterole, 'replication', rolreplication, 'bypassrls', rolbypassrls,
      'limit', rolconnlimit))
    FROM pg_catalog.pg_authid WHERE rolname NOT LIKE 'pg\_%'),
  'databases', (SELECT json_object_agg(d.datname, json_build_object(
      'owner', r.rolname, 'acl', d.datacl::text,
      'settings', (SELECT json_agg(s) FROM pg_catalog.pg_db_role_setting c, unnest(c.setconfig) s
                    WHERE c.setdatabase = d.oid AND c.setrole = 0)))
    FROM pg_catalog.pg_database d JOIN pg_catalog.pg_roles r ON r.oid = d.datdba
    WHERE NOT d.datistemplate)
);
