-- check --
-- As an agent may say them: another tag would keep the graph from being made of the rows.
UPDATE pg_temp.staged AS s
   SET reason = CASE
       WHEN s.discovery_id IS NULL OR NOT EXISTS (
            SELECT FROM core.discoveries AS d WHERE d.discovery_id = s.discovery_id)
       THEN 'discovery_id: is not there'
       WHEN coalesce(btrim(s.tag), '') = '' THEN 'tag: is empty'
       WHEN length(s.tag) > %(tag_length)s OR s.tag ~ '[\x01-\x1f\x7f]'
       THEN 'tag: is no word that an agent may say' END
 WHERE s.reason IS NULL;

-- check_many --
UPDATE pg_temp.staged AS s
   SET reason = 'tag: is one too many'
  FROM (SELECT n.ctid AS at, n.discovery_id,
               row_number() OVER (PARTITION BY n.discovery_id ORDER BY n.tag) AS place
          FROM pg_temp.staged AS n
         WHERE n.reason IS NULL AND NOT EXISTS (
               SELECT FROM core.discovery_tags AS t
                WHERE t.discovery_id = n.discovery_id AND t.tag = n.tag)) AS new
 WHERE s.ctid = new.at
   AND new.place + (SELECT count(*) FROM core.discovery_tags AS t
                     WHERE t.discovery_id = new.discovery_id) > %(tags)s;

-- merge --
INSERT INTO core.discovery_tags (discovery_id, tag, created_at)
SELECT d.discovery_id, s.tag, d.created_at
  FROM pg_temp.staged AS s
  JOIN core.discoveries AS d ON d.discovery_id = s.discovery_id
 WHERE s.reason IS NULL
ON CONFLICT (discovery_id, tag) DO NOTHING;
