-- asked --
-- What rows say, of what postgres.sql knows: AGE's list, months kept up and retired, jobs.
readable AS MATERIALIZED (
    -- What may not be there, or may not be read by everyone: asked only when it may.
    SELECT n.nspname || '.' || c.relname AS name
      FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
     WHERE (n.nspname, c.relname) IN (('ag_catalog', 'ag_label'), ('ag_catalog', 'ag_graph'),
                                      ('cron', 'job'), ('audit', 'partitions'),
                                      ('audit', 'retired'))
       AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
    UNION ALL
    SELECT n.nspname || '.' || f.proname
      FROM pg_proc AS f JOIN pg_namespace AS n ON n.oid = f.pronamespace
     WHERE n.nspname = 'ag_catalog' AND f.proname IN ('age_keys', 'age_unnest')
       AND has_schema_privilege(n.oid, 'USAGE') AND has_function_privilege(f.oid, 'EXECUTE')
), ag_label AS MATERIALIZED (
    -- By name in pg_class: to_regclass() refuses who may not enter the schema.
    SELECT x.*, NOT EXISTS (SELECT FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
                             WHERE n.nspname = x.graph AND c.relname = x.sequence
                               AND c.relkind = 'S') AS is_without_sequence
      FROM XMLTABLE('/table/row' PASSING query_to_xml(
           CASE WHEN (SELECT count(*) = 2 FROM readable
                  WHERE name IN ('ag_catalog.ag_label', 'ag_catalog.ag_graph'))
           THEN 'SELECT g.name AS graph, l.name, l.kind, l.relation::oid AS relation,
                        l.seq_name AS sequence, l.id,
                        coalesce(l.id > (SELECT pg_sequence_last_value(c.oid) FROM pg_class AS c
                                 WHERE c.relnamespace = g.namespace::oid
                                   AND c.relname = ''_label_id_seq''
                                   AND has_sequence_privilege(c.oid, ''USAGE'')), false)
                            AS is_foreign
                   FROM ag_catalog.ag_label AS l JOIN ag_catalog.ag_graph AS g ON g.graphid = l.graph'
           ELSE 'SELECT NULL WHERE false' END, true, false, '')
           COLUMNS graph text PATH 'graph', name text PATH 'name', kind text PATH 'kind',
                   relation oid PATH 'relation', sequence text PATH 'sequence', id text PATH 'id',
                   is_foreign boolean PATH 'is_foreign') AS x
), label AS (
    -- AGE itself sees to it that no id and no name is there twice.
    SELECT coalesce(v.nspname, l.graph) AS graph, coalesce(v.relname, l.name) AS name,
           concat_ws(', ',
               CASE WHEN v.is_edge THEN 'edge' WHEN v.oid IS NOT NULL THEN 'vertex' END,
               'sequence ' || l.sequence || CASE WHEN l.is_without_sequence THEN ' (not there)'
                                                 ELSE '' END,
               CASE WHEN NOT EXISTS (SELECT FROM readable WHERE name = 'ag_catalog.ag_label')
                    THEN 'ag_label may not be read'
                    WHEN l.name IS NULL THEN 'not in ag_label'
                    WHEN v.oid IS NULL THEN 'only in ag_label' END,
               CASE WHEN v.is_edge <> (l.kind = 'e') THEN 'in ag_label of kind ' || l.kind END,
               CASE WHEN (v.nspname, v.relname) <> (l.graph, l.name)
                    THEN format('in ag_label called %s.%s', l.graph, l.name) END,
               CASE WHEN l.is_foreign THEN format('id %s, which its graph never gave', l.id) END
           ) AS definition
      FROM vertex AS v FULL JOIN ag_label AS l ON l.relation = v.oid
     WHERE v.oid IS NOT NULL OR l.name NOT IN ('_ag_label_vertex', '_ag_label_edge')
), kept AS MATERIALIZED (
    SELECT x.said::jsonb AS said, x.said::jsonb ->> 'parent' AS parent,
           make_interval(months => (x.said::jsonb ->> 'ahead_months')::integer) AS ahead
      FROM XMLTABLE('/table/row' PASSING query_to_xml(
           CASE WHEN 'audit.partitions' IN (SELECT name FROM readable)
           THEN 'SELECT to_jsonb(p)::text AS said FROM audit.partitions AS p'
           ELSE 'SELECT NULL WHERE false' END, true, false, '')
           COLUMNS said text PATH 'said') AS x
), month AS (
    -- The months of now and ahead that lie beyond both ends of what there is. A month that began
    -- less than two days ago may still wait for the job that makes it, as partition_state() says.
    SELECT w.parent, to_char(m, 'YYYY-MM') AS missing
      FROM kept AS w
      CROSS JOIN generate_series(date_trunc('month', now()),
                                 date_trunc('month', now() - interval '2 days') + w.ahead,
                                 interval '1 month') AS m
      LEFT JOIN LATERAL (
           SELECT min(CASE WHEN k.from_value ~ '^''\d' THEN btrim(k.from_value, '''')::timestamptz
                           ELSE '-infinity' END) AS from_at,
                  max(CASE WHEN k.upto_value ~ '^''\d' THEN btrim(k.upto_value, '''')::timestamptz
                           ELSE 'infinity' END) AS upto_at
             FROM child AS k WHERE k.parent_name = w.parent AND k.bound <> 'DEFAULT') AS e ON true
     WHERE EXISTS (SELECT FROM relation AS r WHERE r.name = w.parent)
       AND (e.from_at IS NULL OR m < e.from_at OR m >= e.upto_at)
), waiting AS (
    -- What lies in "retired" and is no month that waits for its archive, or is open to others.
    SELECT format('retired.%I', c.relname) AS name, f.what
      FROM pg_class AS c
      LEFT JOIN XMLTABLE('/table/row' PASSING query_to_xml(
           CASE WHEN 'audit.retired' IN (SELECT name FROM readable)
           THEN 'SELECT part, parent FROM audit.retired WHERE dropped_at IS NULL'
           ELSE 'SELECT NULL WHERE false' END, true, false, '')
           COLUMNS part text PATH 'part', parent text PATH 'parent') AS x ON x.part = c.relname
      LEFT JOIN relation AS u ON u.name = x.parent
      CROSS JOIN LATERAL (
           SELECT 'no month of audit.retired' AS what WHERE x.part IS NULL OR c.relkind <> 'r'
           UNION ALL SELECT format('owner %s', c.relowner::regrole) WHERE c.relowner <> u.relowner
           UNION ALL
           SELECT format('grants %s to %s', lower(a.privilege_type),
                         CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END)
             FROM aclexplode(c.relacl) AS a
            WHERE a.grantee <> c.relowner
              AND (a.privilege_type <> 'SELECT' OR a.is_grantable OR NOT EXISTS (
                   SELECT FROM aclexplode(u.relacl) AS b
                    WHERE b.grantee = a.grantee AND b.privilege_type = 'SELECT'))
           UNION ALL
           SELECT format('grants %s (%I)', a.attacl, a.attname) FROM pg_attribute AS a
            WHERE a.attrelid = c.oid AND a.attacl IS NOT NULL
           UNION ALL
           SELECT format('trigger %I', t.tgname) FROM pg_trigger AS t
            WHERE t.tgrelid = c.oid AND NOT t.tgisinternal
           UNION ALL
           SELECT format('rule %I', w.rulename) FROM pg_rewrite AS w
            WHERE w.ev_class = c.oid AND w.rulename <> '_RETURN') AS f
     WHERE c.relnamespace = to_regnamespace('retired')
       AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
), asked AS (
    SELECT format('property %s.%s.%s', v.nspname, v.relname, x.key) AS object,
           'in rows' AS definition
      FROM vertex AS v
      CROSS JOIN XMLTABLE('/table/row' PASSING query_to_xml(format(
           'SELECT DISTINCT ag_catalog.age_unnest(ag_catalog.age_keys(s.properties))::text AS key
              FROM (SELECT properties FROM ONLY %I.%I ORDER BY id DESC LIMIT 1000) AS s',
           v.nspname, v.relname), true, false, '') COLUMNS key text PATH 'key') AS x
     WHERE has_table_privilege(v.oid, 'SELECT')
       AND (SELECT count(*) = 2 FROM readable WHERE name LIKE 'ag_catalog.age_%')
    UNION ALL
    SELECT format('partition %s, kept up', w.parent), (w.said - 'parent')::text FROM kept AS w
    UNION ALL
    SELECT format('partition %s, ahead', m.parent),
           'without ' || string_agg(m.missing, ', ' ORDER BY m.missing)
      FROM month AS m GROUP BY m.parent
    UNION ALL
    SELECT 'table ' || w.name, string_agg(w.what, E'\n' ORDER BY w.what)
      FROM waiting AS w GROUP BY w.name
    UNION ALL
    SELECT 'job ' || coalesce(x.jobname, x.command),
           format('%s: %s, in %s as %s', x.schedule, x.command, x.database, x.username)
           || CASE x.active WHEN 'true' THEN '' ELSE ' (inactive)' END
      FROM XMLTABLE('/table/row' PASSING query_to_xml(
           CASE WHEN 'cron.job' IN (SELECT name FROM readable)
           THEN 'SELECT jobname, schedule, command, database, username, active FROM cron.job'
           ELSE 'SELECT NULL WHERE false' END, true, false, '')
           COLUMNS jobname text PATH 'jobname', schedule text PATH 'schedule',
                   command text PATH 'command', database text PATH 'database',
                   username text PATH 'username', active text PATH 'active') AS x
), base AS MATERIALIZED (
    -- This database, and the one beside it that lines are built in.
    SELECT d.datdba, d.datacl, d.datconnlimit, d.datallowconn, d.datistemplate,
           CASE WHEN d.datname = current_database() THEN '' ELSE ' scratch' END AS which
      FROM pg_database AS d
     WHERE d.datname IN (current_database(), current_database() || '_scratch')
), said AS (
    SELECT 'comment ' || CASE i.type WHEN 'table column' THEN 'column' WHEN 'table constraint'
                              THEN 'constraint' ELSE i.type END || ' ' || i.identity AS object,
           d.description AS definition
      FROM pg_description AS d
      CROSS JOIN pg_identify_object(d.classoid, d.objoid, d.objsubid) AS i
     WHERE d.objoid >= 16384
       AND NOT EXISTS (SELECT FROM member AS m WHERE m.classid = d.classoid AND m.objid = d.objoid)
       AND d.classoid <> 'pg_extension'::regclass
       AND coalesce(i.schema, '') <> 'retired'
       AND NOT EXISTS (SELECT FROM child AS k WHERE d.classoid = 'pg_class'::regclass
                          AND k.oid = d.objoid AND k.bound <> 'DEFAULT')
)
