-- Takes back everything: what an agent remembers is nowhere else.
-- lossy: all rows of memories, bundles, reflections, tone_shifts, keeper

DROP TABLE tone_shifts;
DROP TABLE reflections;
DROP TABLE memories;
DROP TABLE bundles;
DROP TABLE keeper;
