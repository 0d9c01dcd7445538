-- cut --
SELECT soulfra.cut_loop_month(%(month)s);

-- exists --
SELECT to_regclass(%(table)s) IS NOT NULL;

-- empty --
-- Whether the month is there and holds nothing.
SELECT NOT EXISTS (SELECT FROM soulfra.loops AS l
                    WHERE l.created_at >= %(month)s
                      AND l.created_at < %(month)s::timestamptz + interval '1 month');
