-- entries --
-- One JSON array of [object, definition], over what postgres.sql knows. Left out: the system, months
-- that wait in "retired" as they should, what belongs to an extension, and partitions that are like
-- their parent. A section's tens keep together what a reader wants together.
entry (section, place, ordinal, object, definition) AS (
    SELECT 10, p.name, 0, 'schema ' || p.name, format('owner %s', p.nspowner::regrole)
      FROM place AS p WHERE NOT p.of_extension OR p.nspname = 'public'
    UNION ALL
    SELECT 20, r.name, 0, r.kind || ' ' || r.name,
           format('owner %s', r.relowner::regrole)
           || CASE r.relkind WHEN 'p' THEN ', partitioned by ' || pg_get_partkeydef(r.oid)
                   WHEN 'f' THEN ', foreign' ELSE '' END
           || coalesce(', inherits ' || (SELECT u.name FROM relation AS u WHERE u.oid = r.parent), '')
           || CASE r.relpersistence WHEN 'u' THEN ', unlogged' ELSE '' END
           || CASE WHEN r.relrowsecurity THEN ', row security' ELSE '' END
           || CASE WHEN r.relforcerowsecurity THEN ' forced' ELSE '' END
           || CASE WHEN r.relreplident = 'd' THEN '' ELSE ', replica identity ' || r.relreplident::text END
           || coalesce(', options ' || r.reloptions::text, '')
      FROM shown AS r WHERE r.kind = 'table'
    UNION ALL
    SELECT 21, c.name, c.attnum, format('column %s.%s', c.name, c.attname), c.definition
      FROM col AS c JOIN shown AS r ON r.oid = c.oid WHERE r.kind = 'table'
    UNION ALL
    SELECT 23, c.name, 0, format('constraint %s.%I', c.name, c.conname), c.definition
      FROM con AS c WHERE NOT c.relispartition
    UNION ALL
    SELECT 24, i.name, 0, 'index ' || i.index_name, 'on ' || i.name || ' ' || i.definition
      FROM idx AS i WHERE NOT i.of_constraint AND NOT i.relispartition
    UNION ALL
    SELECT 25, t.name, 0, format('trigger %s.%I', t.name, t.tgname), t.whole || t.state
      FROM trg AS t WHERE NOT t.relispartition
    UNION ALL
    SELECT 26, r.name, 0, format('policy %s.%I', r.name, y.polname),
           CASE WHEN y.polpermissive THEN 'permissive' ELSE 'restrictive' END
           || CASE y.polcmd WHEN 'r' THEN ' select' WHEN 'a' THEN ' insert' WHEN 'w' THEN ' update'
                   WHEN 'd' THEN ' delete' ELSE ' all' END
           || ' to ' || (SELECT string_agg(CASE o WHEN 0 THEN 'PUBLIC' ELSE o::regrole::text END,
                                           ', ' ORDER BY o::regrole::text)
                           FROM unnest(y.polroles) AS o)
           || coalesce(' using ' || pg_get_expr(y.polqual, y.polrelid), '')
           || coalesce(' with check ' || pg_get_expr(y.polwithcheck, y.polrelid), '')
      FROM pg_policy AS y JOIN relation AS r ON r.oid = y.polrelid
    UNION ALL
    SELECT 28, r.name, 0, format('rule %s.%I', r.name, w.rulename), pg_get_ruledef(w.oid)
           || CASE w.ev_enabled WHEN 'O' THEN '' ELSE ' (disabled)' END
      FROM pg_rewrite AS w JOIN relation AS r ON r.oid = w.ev_class
     WHERE w.rulename <> '_RETURN'
    UNION ALL
    SELECT 29, r.name, 0, 'partition ' || r.name,
           coalesce('default ' || (SELECT k.name FROM child AS k
                                    WHERE k.parent = r.oid AND k.bound = 'DEFAULT'), 'no default')
      FROM shown AS r WHERE r.relkind = 'p'
    UNION ALL
    SELECT 29, v.name, 0, 'partition ' || v.name, string_agg(v.what, E'\n' ORDER BY v.what)
      FROM deviation AS v GROUP BY v.name
    UNION ALL
    SELECT 29, h.parent_name, 0, format('partition %s, %s', h.parent_name,
                                     CASE WHEN h.before < h.from_value THEN 'gap' ELSE 'overlap' END),
           string_agg(format('from %s to %s', h.before, h.from_value), E'\n' ORDER BY h.before)
      FROM hole AS h WHERE h.before <> h.from_value
     GROUP BY h.parent_name, h.before < h.from_value
    UNION ALL
    SELECT 30, r.name, 0, 'sequence ' || r.name,
           format('owner %s, %s from %s by %s in [%s, %s] cache %s', r.relowner::regrole,
                  s.seqtypid::regtype, s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache)
           || CASE WHEN s.seqcycle THEN ' cycle' ELSE '' END
           || coalesce((SELECT format(', of %s.%I', u.name, a.attname)
                          FROM pg_depend AS d
                          JOIN relation AS u ON u.oid = d.refobjid
                          JOIN pg_attribute AS a ON a.attrelid = u.oid AND a.attnum = d.refobjsubid
                         WHERE d.classid = 'pg_class'::regclass AND d.objid = r.oid
                           AND d.deptype IN ('a', 'i')), '')
      FROM shown AS r JOIN pg_sequence AS s ON s.seqrelid = r.oid
    UNION ALL
    SELECT 40, r.name, 0, 'view ' || r.name,
           format('owner %s', r.relowner::regrole)
           || CASE r.relkind WHEN 'm' THEN ', materialized' ELSE '' END
           || coalesce(', options ' || r.reloptions::text, '') || E'\n' || pg_get_viewdef(r.oid)
      FROM shown AS r WHERE r.kind = 'view'
    UNION ALL
    SELECT 50, p.name, 0,
           format('function %s.%I(%s)', p.name, f.proname, oidvectortypes(f.proargtypes)),
           format('owner %s', f.proowner::regrole) || E'\n'
           || CASE WHEN f.prokind IN ('f', 'p') THEN rtrim(pg_get_functiondef(f.oid), E'\n')
                   ELSE 'aggregate' END
      FROM pg_proc AS f JOIN place AS p ON p.oid = f.pronamespace
     WHERE f.oid >= 16384 AND NOT EXISTS (
           SELECT FROM member AS m WHERE m.classid = 'pg_proc'::regclass AND m.objid = f.oid)
    UNION ALL
    SELECT 60, p.name, 0, format('type %s.%I', p.name, t.typname),
           format('owner %s, ', t.typowner::regrole)
           || CASE t.typtype WHEN 'e' THEN 'enum ' || (
                   SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder)
                     FROM pg_enum AS e WHERE e.enumtypid = t.oid)
              WHEN 'd' THEN 'domain ' || format_type(t.typbasetype, t.typtypmod)
                   || CASE WHEN t.typnotnull THEN ' not null' ELSE '' END
                   || coalesce(' default ' || t.typdefault, '')
                   || coalesce((SELECT string_agg(' ' || pg_get_constraintdef(c.oid), ''
                                                  ORDER BY c.conname)
                                  FROM pg_constraint AS c WHERE c.contypid = t.oid), '')
              WHEN 'c' THEN 'composite ' || (
                   SELECT string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)),
                                     ', ' ORDER BY a.attnum)
                     FROM pg_attribute AS a WHERE a.attrelid = t.typrelid AND a.attnum > 0
                      AND NOT a.attisdropped)
              ELSE 'range' END
      FROM pg_type AS t
      JOIN place AS p ON p.oid = t.typnamespace
      LEFT JOIN pg_class AS c ON c.oid = t.typrelid
     WHERE (t.typtype IN ('e', 'd', 'r') OR t.typtype = 'c' AND c.relkind = 'c') AND NOT EXISTS (
           SELECT FROM member AS m WHERE m.classid = 'pg_type'::regclass AND m.objid = t.oid)
    UNION ALL
    SELECT 65, i.type, 0, i.type || ' ' || i.identity, 'there'
      FROM (SELECT 'pg_event_trigger'::regclass AS class, oid FROM pg_event_trigger
            UNION ALL SELECT 'pg_publication'::regclass, oid FROM pg_publication
            UNION ALL SELECT 'pg_foreign_data_wrapper'::regclass, oid FROM pg_foreign_data_wrapper
            UNION ALL SELECT 'pg_foreign_server'::regclass, oid FROM pg_foreign_server
            UNION ALL SELECT 'pg_language'::regclass, oid FROM pg_language
            UNION ALL SELECT 'pg_cast'::regclass, oid FROM pg_cast
            UNION ALL SELECT 'pg_operator'::regclass, oid FROM pg_operator
            UNION ALL SELECT 'pg_collation'::regclass, oid FROM pg_collation
            UNION ALL SELECT 'pg_ts_config'::regclass, oid FROM pg_ts_config
            UNION ALL SELECT 'pg_ts_dict'::regclass, oid FROM pg_ts_dict
            UNION ALL SELECT 'pg_ts_parser'::regclass, oid FROM pg_ts_parser
            UNION ALL SELECT 'pg_ts_template'::regclass, oid FROM pg_ts_template
            UNION ALL SELECT 'pg_opfamily'::regclass, oid FROM pg_opfamily
            UNION ALL SELECT 'pg_opclass'::regclass, oid FROM pg_opclass
            UNION ALL SELECT 'pg_conversion'::regclass, oid FROM pg_conversion
            UNION ALL SELECT 'pg_am'::regclass, oid FROM pg_am
            UNION ALL SELECT 'pg_transform'::regclass, oid FROM pg_transform
            UNION ALL SELECT 'pg_largeobject'::regclass, oid FROM pg_largeobject_metadata
            UNION ALL SELECT 'pg_subscription'::regclass, s.oid FROM pg_subscription AS s
                        JOIN pg_database AS d ON d.oid = s.subdbid AND d.datname = current_database()
            -- Among the system's own, by who may.
            UNION ALL SELECT 'pg_proc'::regclass, oid FROM pg_proc
                       WHERE pronamespace IN ('pg_catalog'::regnamespace,
                                              'information_schema'::regnamespace)
            UNION ALL SELECT 'pg_class'::regclass, oid FROM pg_class
                       WHERE relnamespace IN ('pg_catalog'::regnamespace,
                                              'information_schema'::regnamespace)
            UNION ALL SELECT 'pg_statistic_ext'::regclass, oid FROM pg_statistic_ext) AS o
      CROSS JOIN pg_identify_object(o.class, o.oid, 0) AS i
     WHERE o.oid >= 16384 AND NOT EXISTS (
           SELECT FROM member AS m WHERE m.classid = o.class AND m.objid = o.oid)
    UNION ALL
    -- What somebody put among an extension's own, outside of its schema.
    SELECT 66, '', 0, format('member %s %s', i.type, i.identity),
           'of extension ' || (SELECT e.extname FROM pg_extension AS e WHERE e.oid = m.refobjid)
      FROM pg_depend AS m
      CROSS JOIN pg_identify_object(m.classid, m.objid, 0) AS i
      JOIN place AS p ON p.nspname = i.schema AND NOT p.of_extension
     WHERE m.deptype = 'e' AND m.refclassid = 'pg_extension'::regclass
    UNION ALL
    SELECT 70, l.graph, 0, format('label %s.%s', l.graph, l.name), l.definition FROM label AS l
    UNION ALL
    SELECT 80, g.name, 0,
           format('grant %s %s to %s', g.kind, g.name,
                  CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE g.grantee::regrole::text END), g.privileges
      FROM granted AS g WHERE g.grantee <> g.owner
    UNION ALL
    -- What an extension brought and somebody took away.
    SELECT 80, g.name, 0,
           format('grant %s %s to %s', g.kind, g.name,
                  CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END), 'taken'
      FROM grantable AS g
      CROSS JOIN aclexplode(coalesce(g.at_first, acldefault(g.letter, g.owner))) AS a
     WHERE g.of_extension AND g.kind <> 'schema' AND a.grantee <> g.owner
       AND NOT EXISTS (SELECT FROM granted AS h
                        WHERE h.kind = g.kind AND h.name = g.name AND h.grantee = a.grantee)
     GROUP BY g.kind, g.name, a.grantee
    UNION ALL
    SELECT 80, s.name, 0,
           format('grant %s %s to %s', s.kind, s.name,
                  CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END),
           a.how || lower(a.privilege_type) || CASE WHEN a.is_grantable THEN '*' ELSE '' END
      FROM of_system AS s
      CROSS JOIN LATERAL (
           SELECT '' AS how, g.grantee, g.privilege_type, g.is_grantable FROM (
                  SELECT x.grantee, x.privilege_type, x.is_grantable FROM aclexplode(s.acl) AS x
                  EXCEPT SELECT x.grantee, x.privilege_type, x.is_grantable
                           FROM aclexplode(s.at_first) AS x) AS g
           UNION ALL
           SELECT 'without ', t.grantee, t.privilege_type, t.is_grantable FROM (
                  SELECT x.grantee, x.privilege_type, x.is_grantable FROM aclexplode(s.at_first) AS x
                  EXCEPT SELECT x.grantee, x.privilege_type, x.is_grantable
                           FROM aclexplode(s.acl) AS x) AS t) AS a
     WHERE a.grantee <> s.owner
    UNION ALL
    SELECT 80, o.name, 0, format('grant %s %s to its owner', o.kind, o.name),
           coalesce('only ' || o.has, 'nothing')
      FROM owned AS o WHERE o.has IS DISTINCT FROM o.whole
    UNION ALL
    SELECT 81, coalesce(n.nspname, ''), 0,
           format('default privilege %s by %s%s to %s',
                  CASE d.defaclobjtype WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences'
                       WHEN 'f' THEN 'functions' WHEN 'T' THEN 'types' ELSE 'schemas' END,
                  d.defaclrole::regrole, coalesce(' in ' || quote_ident(n.nspname), ''),
                  CASE a.grantee WHEN 0 THEN 'PUBLIC'
                       ELSE coalesce(a.grantee::regrole::text, 'nobody') END),
           coalesce(string_agg(lower(a.privilege_type)
                               || CASE WHEN a.is_grantable THEN '*' ELSE '' END, ', '
                               ORDER BY a.privilege_type), 'nothing')
      FROM pg_default_acl AS d
      LEFT JOIN pg_namespace AS n ON n.oid = d.defaclnamespace
      LEFT JOIN aclexplode(d.defaclacl) AS a ON true
     GROUP BY d.oid, d.defaclobjtype, d.defaclrole, n.nspname, a.grantee
    UNION ALL
    SELECT 100, s.object, 0, s.object, s.definition FROM said AS s
    UNION ALL
    SELECT 90, a.object, 0, a.object, a.definition FROM asked AS a
    UNION ALL
    SELECT 91, e.extname, 0, 'extension ' || e.extname,
           CASE WHEN e.extversion = v.default_version THEN ''
                ELSE format('%s instead of %s, ', e.extversion, v.default_version) END
           || format('in %I', n.nspname)
      FROM pg_extension AS e
      JOIN pg_namespace AS n ON n.oid = e.extnamespace
      LEFT JOIN pg_available_extensions AS v ON v.name = e.extname
    UNION ALL
    SELECT 92, '', 0,
           CASE WHEN s.setrole = 0 THEN 'setting database '
                ELSE format('setting role %s%s ', s.setrole::regrole,
                            CASE WHEN s.setdatabase = 0 THEN '' ELSE ' in database' END) END
           || split_part(c, '=', 1), substring(c FROM '=(.*)$')
      FROM pg_db_role_setting AS s CROSS JOIN unnest(s.setconfig) AS c
     WHERE s.setdatabase IN (0, (SELECT d.oid FROM pg_database AS d
                                  WHERE d.datname = current_database()))
    UNION ALL
    SELECT 94, '', 0, 'role ' || r.oid::regrole,
           concat_ws(', ', CASE WHEN r.rolcanlogin THEN 'login' ELSE 'no login' END,
                     CASE WHEN NOT r.rolinherit THEN 'no inherit' END,
                     CASE WHEN r.rolsuper THEN 'superuser' END,
                     CASE WHEN r.rolcreatedb THEN 'createdb' END,
                     CASE WHEN r.rolcreaterole THEN 'createrole' END,
                     CASE WHEN r.rolreplication THEN 'replication' END,
                     CASE WHEN r.rolbypassrls THEN 'bypassrls' END,
                     'limit ' || r.rolconnlimit, 'until ' || r.rolvaliduntil)
      FROM pg_roles AS r WHERE r.oid >= 16384
    UNION ALL
    SELECT 95, '', 0, format('membership %s in %s', m.member::regrole, m.roleid::regrole),
           concat_ws(', ', CASE WHEN m.admin_option THEN 'admin' END,
                     CASE WHEN m.inherit_option THEN 'inherit' END,
                     CASE WHEN m.set_option THEN 'set' END)
      FROM pg_auth_members AS m WHERE m.oid >= 16384
    UNION ALL
    SELECT 96, '', 0, 'database' || b.which,
           format('owner %s', b.datdba::regrole)
           || CASE WHEN b.datconnlimit = -1 THEN '' ELSE ', limit ' || b.datconnlimit END
           || CASE WHEN b.datallowconn THEN '' ELSE ', closed' END
           || CASE WHEN b.datistemplate THEN ', template' ELSE '' END
      FROM base AS b
    UNION ALL
    SELECT 97, '', 0,
           format('grant database%s to %s', b.which,
                  CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END),
           string_agg(lower(a.privilege_type) || CASE WHEN a.is_grantable THEN '*' ELSE '' END, ', '
                      ORDER BY a.privilege_type)
      FROM base AS b
      CROSS JOIN aclexplode(coalesce(b.datacl, acldefault('d', b.datdba))) AS a
     WHERE a.grantee <> b.datdba
     GROUP BY b.which, a.grantee
    UNION ALL
    -- What a session begins with. ALTER SYSTEM is told from the declared file only by who may
    -- see files.
    SELECT 93, '', 0, 'setting server ' || s.name, s.reset_val
      FROM pg_settings AS s
     WHERE s.sourcefile LIKE '%postgresql.auto.conf' OR s.name IN (
           'cron.database_name', 'cron.timezone', 'cron.use_background_workers', 'data_checksums',
           'fsync', 'full_page_writes', 'log_timezone', 'max_connections', 'password_encryption',
           'pgaudit.log', 'pgaudit.log_parameter', 'shared_preload_libraries', 'ssl',
           'ssl_min_protocol_version', 'synchronous_commit', 'wal_level')
)
SELECT json_agg(json_build_array(object, definition)
                ORDER BY section / 10, place COLLATE "C", section, ordinal, object COLLATE "C")
  FROM entry;
