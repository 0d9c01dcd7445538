-- foreign_keys --
-- Every foreign key of a schema that rows were brought to, and a query that counts what leads
-- nowhere; a server told to look away may have let it in.
SELECT k.conrelid::regclass || '.' || k.conname,
       format('SELECT count(*) FROM %s AS a WHERE %s AND NOT EXISTS (SELECT FROM %s AS b WHERE %s)',
              k.conrelid::regclass,
              (SELECT string_agg(format('a.%I IS NOT NULL', c.attname), ' AND ')
                 FROM unnest(k.conkey) AS n (number)
                 JOIN pg_attribute AS c ON c.attrelid = k.conrelid AND c.attnum = n.number),
              k.confrelid::regclass,
              (SELECT string_agg(format('b.%I = a.%I', d.attname, c.attname), ' AND ')
                 FROM unnest(k.conkey, k.confkey) AS n (mine, theirs)
                 JOIN pg_attribute AS c ON c.attrelid = k.conrelid AND c.attnum = n.mine
                 JOIN pg_attribute AS d ON d.attrelid = k.confrelid AND d.attnum = n.theirs))
  FROM pg_constraint AS k
 WHERE k.contype = 'f' AND k.conparentid = 0
   AND k.connamespace = ANY ('{core,audit,dialectic,legacy}'::regnamespace[])
 ORDER BY 1;

-- sequences --
-- Every numbered column, and a query that tells whether the next number is taken already. Of another
-- schema's column nobody may ask it, whatever the planner thinks.
WITH ours AS MATERIALIZED (
    SELECT c.attrelid::regclass AS relation, c.attname
      FROM pg_attribute AS c
      JOIN pg_class AS t ON t.oid = c.attrelid
     WHERE t.relnamespace = ANY ('{core,audit,dialectic,legacy}'::regnamespace[])
       AND t.relkind = 'r' AND NOT t.relispartition AND c.attnum > 0 AND NOT c.attisdropped),
numbered AS MATERIALIZED (
    SELECT o.relation, o.attname,
           pg_get_serial_sequence(o.relation::text, o.attname) AS sequence
      FROM ours AS o)
SELECT n.relation || '.' || n.attname,
       format('SELECT coalesce(max(t.%I), 0) >= CASE WHEN s.is_called THEN s.last_value + 1'
              ' ELSE s.last_value END FROM %s AS t RIGHT JOIN %s AS s ON true'
              ' GROUP BY s.is_called, s.last_value',
              n.attname, n.relation, n.sequence)
  FROM numbered AS n
 WHERE n.sequence IS NOT NULL
 ORDER BY 1;
