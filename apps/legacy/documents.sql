-- documents --
SELECT f.file, f.row_sha256
  FROM legacy.followed AS f
 WHERE f.part = 'document' AND f.file = ANY (%(files)s);

-- mark --
-- In the transaction of what it says.
INSERT INTO legacy.followed AS f (file, part, key_sha256, unit, row_sha256)
VALUES (%(file)s, 'document', sha256(''), %(unit)s, %(digest)s)
ON CONFLICT (file, part, key_sha256) DO UPDATE
   SET unit = excluded.unit, row_sha256 = excluded.row_sha256;
