-- Forgets what the creature found out about itself.
-- lossy: every insight
DROP INDEX insights_category_idx;
DROP TABLE insights;
