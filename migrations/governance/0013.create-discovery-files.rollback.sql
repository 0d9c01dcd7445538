-- Takes back the files; the discoveries that came with them stay.
-- lossy: all rows of core.discovery_files

DROP TABLE core.discovery_files;
