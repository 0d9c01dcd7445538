-- Takes back prophecies, transformations, clusters and credits. They follow from the log.
-- lossy: all rows of soulfra.prophecies, transformations, clusters, cluster_loops, credit_entries

DROP TABLE soulfra.credit_entries;
DROP TABLE soulfra.cluster_loops;
DROP TABLE soulfra.clusters;
DROP TABLE soulfra.transformations;
DROP TABLE soulfra.prophecies;
