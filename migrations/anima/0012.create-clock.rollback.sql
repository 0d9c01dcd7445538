-- Forgets the boots, and how far each row was moved in time; the rows stay where they are.
-- lossy: what each moved timestamp first was, and when the clock was known
DROP INDEX clock_shifts_table_name_idx;
DROP TABLE clock_shifts;
DROP TABLE clock_boots;
