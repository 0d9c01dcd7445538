-- reader --
-- It reads the old files until it is switched.
INSERT INTO legacy.readers (directory, reader) VALUES (%(directory)s, %(reader)s)
ON CONFLICT (directory, reader) DO NOTHING;

-- compared --
-- One round: it is clean from the beginning of the first round in which nothing differed.
UPDATE legacy.readers AS r
   SET compared = r.compared + %(compared)s, stale = r.stale + %(stale)s,
       stale_seconds = greatest(r.stale_seconds, %(stale_seconds)s), own = r.own + %(own)s,
       differing = r.differing + %(differing)s,
       clean_since = CASE WHEN %(is_clean)s THEN coalesce(r.clean_since, %(at)s) END,
       compared_at = CASE WHEN %(compared)s > 0 THEN clock_timestamp() ELSE r.compared_at END
 WHERE r.directory = %(directory)s AND r.reader = %(reader)s;

-- differs --
INSERT INTO legacy.differences AS d (directory, reader, asked, kind, old, new)
VALUES (%(directory)s, %(reader)s, %(asked)s, %(kind)s, %(old)s, %(new)s)
ON CONFLICT (directory, reader, asked) DO UPDATE
   SET kind = excluded.kind, old = excluded.old, new = excluded.new;

-- known --
-- What differed is asked again until it does not.
SELECT d.asked FROM legacy.differences AS d
 WHERE d.directory = %(directory)s AND d.reader = %(reader)s
 ORDER BY d.found_at
 LIMIT 100;

-- equal --
DELETE FROM legacy.differences
 WHERE directory = %(directory)s AND reader = %(reader)s AND asked = %(asked)s;

-- rejected --
-- Rows of one question that never came over, by their keys or the first part of them.
SELECT EXISTS (
    SELECT FROM legacy.rejected AS r
     WHERE r.file = %(file)s
       AND (r.old_key = ANY (%(keys)s)
            OR CASE WHEN r.old_key LIKE '[%%' AND pg_input_is_valid(r.old_key, 'jsonb')
                    THEN r.old_key::jsonb->>0 = ANY (%(keys)s) ELSE false END));

-- side --
SELECT r.side FROM legacy.readers AS r
 WHERE r.directory = %(directory)s AND r.reader = %(reader)s;

-- zone --
SELECT r.zone FROM legacy.runs AS r WHERE r.directory = %(directory)s;

-- switch --
UPDATE legacy.readers SET side = %(side)s, switched_at = now()
 WHERE directory = %(directory)s AND reader = %(reader)s;
