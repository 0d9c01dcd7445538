-- check --
UPDATE pg_temp.staged AS s
   SET reason = CASE
       WHEN s.src_id IS NULL OR s.dst_id IS NULL THEN 'one of its ends is null'
       WHEN NOT EXISTS (SELECT FROM core.discoveries AS d WHERE d.discovery_id = s.src_id)
       THEN format('src_id: discovery %%L is not there', left(s.src_id, 60))
       WHEN NOT EXISTS (SELECT FROM core.discoveries AS d WHERE d.discovery_id = s.dst_id)
       THEN format('dst_id: discovery %%L is not there', left(s.dst_id, 60))
       WHEN s.src_id = s.dst_id THEN 'dst_id: is its source'
       WHEN s.created_at IS NULL THEN 'created_at: is null'
       WHEN s.beside::jsonb->>'edge_type' = 'response_to'
            AND coalesce(s.beside::jsonb->>'response_type', '') <> ALL (%(responses)s)
       THEN format('response_type: %%L is none that the new house knows',
                   left(s.beside::jsonb->>'response_type', 60))
       WHEN s.beside::jsonb->>'edge_type' = 'response_to' AND EXISTS (
            SELECT FROM core.discoveries AS d
             WHERE d.discovery_id = s.src_id AND d.response_to <> s.dst_id)
       THEN 'its source answers another already'
       WHEN s.beside::jsonb->>'edge_type' = 'superseded_by' AND EXISTS (
            SELECT FROM core.discoveries AS d
             WHERE d.discovery_id = s.src_id AND d.superseded_by <> s.dst_id)
       THEN 'another took its place already' END
 WHERE s.reason IS NULL;

-- check_one --
-- A discovery answers one other, and one takes its place.
UPDATE pg_temp.staged AS s
   SET reason = CASE twice.kind WHEN 'response_to' THEN 'its source answers another already'
                                ELSE 'another took its place already' END
  FROM (SELECT n.ctid AS at, n.beside::jsonb->>'edge_type' AS kind,
               row_number() OVER (PARTITION BY n.src_id, n.beside::jsonb->>'edge_type'
                                  ORDER BY n.dst_id) AS place
          FROM pg_temp.staged AS n
         WHERE n.reason IS NULL
           AND n.beside::jsonb->>'edge_type' IN ('response_to', 'superseded_by')) AS twice
 WHERE s.ctid = twice.at AND twice.place > 1;

-- merge_links --
INSERT INTO core.discovery_links (discovery_id, related_id, created_at)
SELECT s.src_id, s.dst_id, min(s.created_at::timestamptz)
  FROM pg_temp.staged AS s
 WHERE s.reason IS NULL
   AND coalesce(s.beside::jsonb->>'edge_type', '') NOT IN ('response_to', 'superseded_by')
 GROUP BY s.src_id, s.dst_id
ON CONFLICT (discovery_id, related_id) DO NOTHING;

-- merge_answers --
UPDATE core.discoveries AS d
   SET response_to = s.dst_id, response_type = s.beside::jsonb->>'response_type'
  FROM pg_temp.staged AS s
 WHERE s.reason IS NULL AND s.beside::jsonb->>'edge_type' = 'response_to'
   AND d.discovery_id = s.src_id AND d.response_to IS NULL;

-- merge_successors --
UPDATE core.discoveries AS d
   SET superseded_by = s.dst_id
  FROM pg_temp.staged AS s
 WHERE s.reason IS NULL AND s.beside::jsonb->>'edge_type' = 'superseded_by'
   AND d.discovery_id = s.src_id AND d.superseded_by IS NULL;

-- then_beside --
-- What a link cannot hold, beside its source, by kind and other end. When an answer or a successor
-- was said has no column: it is kept, too, unless that was when its source was found.
UPDATE core.discoveries AS d
   SET metadata = d.metadata || jsonb_build_object('beside',
           coalesce(d.metadata->'beside', '{}') || jsonb_build_object('edges',
               coalesce(d.metadata #> '{beside,edges}', '{}') || more.told))
  FROM (SELECT t.src_id, jsonb_object_agg(t.kind || ' ' || t.dst_id, t.told) AS told
          FROM (SELECT s.src_id, s.dst_id, coalesce(s.beside::jsonb->>'edge_type', '') AS kind,
                       s.beside::jsonb - 'edge_type' || CASE
                           WHEN s.beside::jsonb->>'edge_type' IN ('response_to', 'superseded_by')
                                AND s.created_at::timestamptz <> source.created_at
                           THEN jsonb_build_object('created_at', to_char(
                                    s.created_at::timestamptz AT TIME ZONE 'UTC',
                                    'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))
                           ELSE '{}' END AS told
                  FROM pg_temp.staged AS s
                  JOIN core.discoveries AS source ON source.discovery_id = s.src_id
                 WHERE s.reason IS NULL) AS t
         WHERE t.told - 'weight'
               - CASE t.kind WHEN 'response_to' THEN 'response_type' ELSE '' END <> '{}'
            OR coalesce((t.told->>'weight')::numeric, 1) <> 1
            OR t.kind NOT IN ('related_to', 'response_to', 'superseded_by')
         GROUP BY t.src_id) AS more
 WHERE d.discovery_id = more.src_id
   AND coalesce(d.metadata #> '{beside,edges}', '{}')
       <> coalesce(d.metadata #> '{beside,edges}', '{}') || more.told;
