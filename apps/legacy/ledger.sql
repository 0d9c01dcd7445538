-- only_one --
-- Two at once would take each other's rows for already there.
SELECT pg_try_advisory_lock(hashtextextended('abode legacy backfill', 0));

-- begin_run --
-- A directory, and the zone that it was first read by.
INSERT INTO legacy.runs (directory, zone) VALUES (%(directory)s, %(zone)s)
ON CONFLICT (directory) DO NOTHING;

-- begin_again --
-- One that was killed goes on, with the time that it began at.
UPDATE legacy.runs SET begun_at = now(), finished_at = NULL
 WHERE directory = %(directory)s AND zone = %(zone)s AND finished_at IS NOT NULL;

-- run --
SELECT zone, redraw_due FROM legacy.runs WHERE directory = %(directory)s;

-- wait_for_disk --
-- And with this commit all before it.
SET LOCAL synchronous_commit = on;

-- end_run --
UPDATE legacy.runs SET finished_at = now() WHERE directory = %(directory)s;

-- graph_is_due --
-- In the transaction of the rows that the graph lacks.
UPDATE legacy.runs SET redraw_due = true WHERE directory = %(directory)s AND NOT redraw_due;

-- graph_is_made --
-- In the transaction that made it.
UPDATE legacy.runs SET redraw_due = false WHERE directory = %(directory)s;

-- position --
SELECT p.after, encode(p.head_sha256, 'hex'), p.read, p.taken, p.rejected, p.folds, p.gaps,
       p.finished_at IS NOT NULL, coalesce(p.finished_at >= r.begun_at, false)
  FROM legacy.positions AS p
  JOIN legacy.runs AS r ON r.directory = %(directory)s
 WHERE p.file = %(file)s AND p.part = %(part)s;

-- move --
-- In the transaction of the rows that were brought over.
INSERT INTO legacy.positions AS p (
       file, part, after, head_sha256, read, taken, rejected, folds, gaps, finished_at)
VALUES (%(file)s, %(part)s, %(after)s, decode(%(head)s, 'hex'), %(read)s, %(taken)s, %(rejected)s,
       %(folds)s, %(gaps)s, CASE WHEN %(finished)s THEN now() END)
ON CONFLICT (file, part) DO UPDATE
   SET after = excluded.after, head_sha256 = excluded.head_sha256, read = excluded.read,
       taken = excluded.taken, rejected = excluded.rejected, folds = excluded.folds,
       gaps = excluded.gaps, finished_at = excluded.finished_at, updated_at = now();

-- reject --
-- Told once; a key that an index cannot hold is told by its beginning and its hash.
INSERT INTO legacy.rejected AS r (file, part, old_key, reason)
SELECT DISTINCT ON (told.old_key) %(file)s, %(part)s, told.old_key, told.reason
  FROM (SELECT CASE WHEN length(t.old_key) > 200
                    THEN left(t.old_key, 200) || '… '
                         || encode(sha256(convert_to(t.old_key, 'UTF8')), 'hex')
                    ELSE t.old_key END AS old_key, left(t.reason, 500) AS reason
          FROM unnest(%(keys)b::text[], %(reasons)b::text[]) AS t (old_key, reason)) AS told
 ORDER BY told.old_key, told.reason
ON CONFLICT (file, part, old_key) DO UPDATE SET reason = excluded.reason
      WHERE r.reason <> excluded.reason;

-- count_rejected --
-- Of all files of a directory, by part.
SELECT count(*) FROM legacy.rejected
 WHERE file = ANY (%(files)s) AND (part = %(part)s OR %(part)s IS NULL);

-- forget --
-- Of a part that is read again: one key, or all of them.
DELETE FROM legacy.rejected
 WHERE file = %(file)s AND part = %(part)s AND (old_key = %(key)s OR %(key)s::text IS NULL);
