-- The head of each post-apply.grants.sql: whatever anyone but the owner has is taken away.

DO $$
DECLARE
    one record;
BEGIN
    FOR one IN
        WITH place AS (
            SELECT n.oid, n.nspname, n.nspowner, n.nspacl
              FROM pg_catalog.pg_namespace AS n
             WHERE n.nspname IN ({places}))
        SELECT DISTINCT had.what, who.name AS who
          FROM (
            SELECT format('SCHEMA %I', p.nspname) AS what, a.grantee
              FROM place AS p
             CROSS JOIN LATERAL aclexplode(p.nspacl) AS a
             WHERE a.grantee NOT IN (p.nspowner, current_user::regrole)
            UNION ALL
            -- What was cut from a table may be read by its readers until it is archived.
            SELECT format('%s %s', CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END,
                          c.oid::regclass), a.grantee
              FROM place AS p
              JOIN pg_catalog.pg_class AS c ON c.relnamespace = p.oid
             CROSS JOIN LATERAL (
                  SELECT x.grantee FROM aclexplode(c.relacl) AS x
                  UNION ALL
                  SELECT x.grantee FROM pg_catalog.pg_attribute AS t, aclexplode(t.attacl) AS x
                   WHERE t.attrelid = c.oid) AS a
             WHERE c.relowner = current_user::regrole AND a.grantee <> c.relowner
               AND p.nspname <> 'retired'
            UNION ALL
            SELECT format('ROUTINE %s', r.oid::regprocedure), a.grantee
              FROM place AS p
              JOIN pg_catalog.pg_proc AS r ON r.pronamespace = p.oid
             CROSS JOIN LATERAL
                   aclexplode(coalesce(r.proacl, acldefault('f', r.proowner))) AS a
             WHERE r.proowner = current_user::regrole AND a.grantee <> r.proowner) AS had
         CROSS JOIN LATERAL (
               SELECT CASE had.grantee WHEN 0 THEN 'PUBLIC'
                      ELSE quote_ident(pg_get_userbyid(had.grantee)) END) AS who (name)
    LOOP
        EXECUTE format('REVOKE ALL ON %s FROM %s CASCADE', one.what, one.who);
    END LOOP;
    FOR one IN
        SELECT DISTINCT coalesce(' IN SCHEMA ' || quote_ident(n.nspname), '') AS place,
               CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES'
                    WHEN 'f' THEN 'FUNCTIONS' WHEN 'T' THEN 'TYPES' ELSE 'SCHEMAS' END AS what,
               CASE a.grantee WHEN 0 THEN 'PUBLIC'
                    ELSE quote_ident(pg_get_userbyid(a.grantee)) END AS who
          FROM pg_catalog.pg_default_acl AS d
          LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = d.defaclnamespace
         CROSS JOIN LATERAL aclexplode(d.defaclacl) AS a
         WHERE d.defaclrole = current_user::regrole AND a.grantee <> d.defaclrole
    LOOP
        EXECUTE format('ALTER DEFAULT PRIVILEGES%s REVOKE ALL ON %s FROM %s CASCADE',
                       one.place, one.what, one.who);
    END LOOP;
END
$$;

-- What is made later is nobody's until it is named here.
ALTER DEFAULT PRIVILEGES REVOKE ALL ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON TYPES FROM PUBLIC;
