-- functions --
-- What several merges ask; they end with the session.
CREATE OR REPLACE FUNCTION pg_temp.wrong(name text, told text, kind text) RETURNS text
    LANGUAGE sql STABLE
    RETURN CASE WHEN told IS NULL THEN NULL
                WHEN NOT pg_input_is_valid(told, 'jsonb')
                THEN name || ': is no JSON that Postgres can hold'
                WHEN jsonb_typeof(told::jsonb) <> kind THEN name || ': is no ' || kind END;

-- unfit --
-- Places of what is no JSON that Postgres can hold: NaN, a NUL, half a character.
SELECT t.place - 1
  FROM unnest(%(texts)b::text[]) WITH ORDINALITY AS t (told, place)
 WHERE NOT pg_input_is_valid(t.told, 'jsonb');

-- empty --
-- A transaction around several pieces keeps what the last one staged.
TRUNCATE pg_temp.staged;

-- rejected --
-- What the checks left no place for.
SELECT s.row_key, s.reason FROM pg_temp.staged AS s WHERE s.reason IS NOT NULL;

-- had_been_rejected --
-- Keys of this piece that are refused no more.
DELETE FROM legacy.rejected AS r
 USING pg_temp.staged AS s
 WHERE r.file = %(file)s AND r.part = %(part)s AND r.old_key = s.row_key AND s.reason IS NULL;
