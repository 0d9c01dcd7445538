-- known --
SELECT p.file, p.after, encode(p.head_sha256, 'hex')
  FROM legacy.positions AS p
 WHERE p.part = 'lines' AND p.file = ANY (%(files)s)
 ORDER BY p.file;

-- named_before --
-- A file that began alike.
SELECT p.file
  FROM legacy.positions AS p
 WHERE p.part = 'lines' AND p.file <> %(file)s AND p.head_sha256 = decode(%(head)s, 'hex')
 ORDER BY p.updated_at DESC
 LIMIT 1;

-- rename --
-- How far it is stays with what was read; its old name begins anew.
UPDATE legacy.positions SET file = %(file)s WHERE part = 'lines' AND file = %(before)s;

-- rename_rejected --
UPDATE legacy.rejected SET file = %(file)s WHERE part = 'lines' AND file = %(before)s;

-- read --
SELECT coalesce(sum(p.read), 0)
  FROM legacy.positions AS p
 WHERE p.part IN ('lines', 'audit_events', 'tool_usage') AND p.file = ANY (%(files)s);
