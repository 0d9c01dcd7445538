-- Takes back discoveries, their tags and their links.
-- lossy: all rows of core.discoveries, core.discovery_tags and core.discovery_links

DROP TABLE core.discovery_links;
DROP TABLE core.discovery_tags;
DROP TABLE core.discoveries;
