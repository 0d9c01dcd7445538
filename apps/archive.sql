-- plain_text --
-- For this transaction: instants, spans and bytes in the one form that every server reads.
SELECT set_config('timezone', 'UTC', true), set_config('datestyle', 'ISO', true),
       set_config('intervalstyle', 'iso_8601', true), set_config('bytea_output', 'hex', true),
       set_config('extra_float_digits', '1', true);

-- columns --
-- What a table holds of its own; generated columns are made anew.
SELECT a.attname
  FROM pg_catalog.pg_attribute AS a
 WHERE a.attrelid = pg_catalog.to_regclass(%(table)s) AND a.attnum > 0
   AND NOT a.attisdropped AND a.attgenerated = ''
 ORDER BY a.attnum;
