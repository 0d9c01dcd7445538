-- columns --
-- In the order of the table.
SELECT name FROM pragma_table_info(:table_name) ORDER BY cid;

-- first_live --
SELECT min(id) AS id FROM {table};

-- old_rows --
SELECT {columns} FROM {table} WHERE id > :after AND id <= :upto ORDER BY id LIMIT :limit;

-- live_rows --
SELECT {columns} FROM {table} WHERE id BETWEEN :first AND :last ORDER BY id;

-- remove_rows --
DELETE FROM {table} WHERE id BETWEEN :first AND :last;

-- count_live --
SELECT count(*) AS live FROM {table} WHERE id BETWEEN :first AND :last;

-- put_back --
INSERT INTO {table} ({columns}) VALUES ({marks}) ON CONFLICT (id) DO NOTHING;
