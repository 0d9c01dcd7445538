-- What the server knows of roles and databases, as one JSON object.
SELECT json_build_object(
  'roles', (SELECT json_object_agg(r.rolname, json_build_object(
      'verifier', r.rolpassword, 'login', r.rolcanlogin, 'inherit', r.rolinherit,
      'superuser', r.rolsuper, 'createdb', r.rolcreatedb, 'createrole', r.rolcreaterole,
      'replication', r.rolreplication, 'bypassrls', r.rolbypassrls, 'limit', r.rolconnlimit,
      'member_of', (SELECT json_agg(g.rolname) FROM pg_catalog.pg_auth_members m
                      JOIN pg_catalog.pg_roles g ON g.oid = m.roleid WHERE m.member = r.oid),
      'members', (SELECT json_agg(g.rolname) FROM pg_catalog.pg_auth_members m
                    JOIN pg_catalog.pg_roles g ON g.oid = m.member WHERE m.roleid = r.oid),
      'settings', (SELECT json_agg(coalesce(d.datname, '')) FROM pg_catalog.pg_db_role_setting c
                     LEFT JOIN pg_catalog.pg_database d ON d.oid = c.setdatabase
                    WHERE c.setrole = r.oid)))
    FROM pg_catalog.pg_authid r WHERE r.rolname NOT LIKE 'pg\_%'),
  'databases', (SELECT json_object_agg(d.datname, json_build_object(
      'owner', r.rolname, 'acl', d.datacl::text,
      'settings', (SELECT json_agg(s) FROM pg_catalog.pg_db_role_setting c, unnest(c.setconfig) s
                    WHERE c.setdatabase = d.oid AND c.setrole = 0)))
    FROM pg_catalog.pg_database d JOIN pg_catalog.pg_roles r ON r.oid = d.datdba
    WHERE NOT d.datistemplate)
);
