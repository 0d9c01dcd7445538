-- seen --
CREATE TEMP TABLE IF NOT EXISTS seen (
       part text, key_sha256 bytea, unit text, row_sha256 bytea);

-- see_anew --
TRUNCATE pg_temp.seen;

-- see --
COPY pg_temp.seen (part, key_sha256, unit, row_sha256) FROM STDIN;

-- changed --
-- Of what is there, and of what was.
SELECT s.unit
  FROM pg_temp.seen AS s
  LEFT JOIN legacy.followed AS f
    ON f.file = %(file)s AND f.part = s.part AND f.key_sha256 = s.key_sha256
 WHERE s.part = ANY (%(parts)s)
   AND (f.row_sha256, f.unit) IS DISTINCT FROM (s.row_sha256, s.unit)
 UNION
SELECT f.unit
  FROM legacy.followed AS f
  LEFT JOIN pg_temp.seen AS s
    ON s.part = f.part AND s.key_sha256 = f.key_sha256 AND s.unit = f.unit
 WHERE f.file = %(file)s AND f.part = ANY (%(parts)s) AND s.part IS NULL
 ORDER BY 1;

-- forget_units --
DELETE FROM legacy.followed AS f
 WHERE f.file = %(file)s AND f.part = ANY (%(parts)s) AND f.unit = ANY (%(units)s);

-- keep_units --
INSERT INTO legacy.followed AS f (file, part, key_sha256, unit, row_sha256)
SELECT DISTINCT ON (s.part, s.key_sha256) %(file)s, s.part, s.key_sha256, s.unit, s.row_sha256
  FROM pg_temp.seen AS s
 WHERE s.part = ANY (%(parts)s) AND s.unit = ANY (%(units)s)
 ORDER BY s.part, s.key_sha256
ON CONFLICT (file, part, key_sha256) DO UPDATE
   SET unit = excluded.unit, row_sha256 = excluded.row_sha256;
