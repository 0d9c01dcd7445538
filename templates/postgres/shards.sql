-- What home knows of other shards, as one JSON object: places, runs of slots, moves that are not ended.
SELECT json_build_object(
  'places', (SELECT coalesce(json_object_agg(p.name, p.place), '{}')
               FROM shard.places AS p WHERE NOT p.here),
  'slots', (SELECT coalesce(json_object_agg(o.shard, o.runs), '{}')
              FROM (SELECT r.shard, json_agg(json_build_array(r.first, r.last) ORDER BY r.first) AS runs
                      FROM (SELECT s.shard, min(s.slot) AS first, max(s.slot) AS last
                              FROM (SELECT m.shard, m.slot,
                                           m.slot - row_number() OVER (PARTITION BY m.shard
                                                                       ORDER BY m.slot) AS run
                                      FROM shard.map AS m) AS s
                             GROUP BY s.shard, s.run) AS r
                     GROUP BY r.shard) AS o),
  'moving', (SELECT coalesce(json_agg(DISTINCT e.shard), '[]')
               FROM shard.moves AS m
              CROSS JOIN LATERAL (VALUES (m.source), (m.target)) AS e (shard)
              WHERE m.step IN ('copying', 'flipped')));
