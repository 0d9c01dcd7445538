-- check --
-- Without these there is no identity.
UPDATE pg_temp.staged AS s
   SET reason = CASE
       WHEN coalesce(s.agent_id, '') = '' THEN 'agent_id: is empty'
       WHEN octet_length(s.agent_id) > 2000 THEN 'agent_id: is longer than 2000 bytes'
       WHEN s.status IS NULL OR s.status <> ALL (%(statuses)s)
       THEN format('status: %%L is none that the new house knows', left(s.status, 60))
       WHEN s.created_at IS NULL THEN 'created_at: is null'
       WHEN pg_temp.wrong('metadata_json', s.metadata_json, 'object') IS NOT NULL
       THEN pg_temp.wrong('metadata_json', s.metadata_json, 'object')
       WHEN s.metadata_json IS NOT NULL AND s.metadata_json::jsonb ? 'beside'
       THEN 'metadata_json: has a key beside of its own' END
 WHERE s.reason IS NULL;

-- columns --
-- What cannot be held of an identity that is taken.
SELECT 'tags_json', s.row_key, pg_temp.wrong('tags_json', s.tags_json, 'array')
  FROM pg_temp.staged AS s
 WHERE s.reason IS NULL AND pg_temp.wrong('tags_json', s.tags_json, 'array') IS NOT NULL;

-- renew --
-- As the old server has it now. The second writer had no last_update, no label and no notes.
UPDATE core.identities AS i
   SET status = s.status, created_at = s.created_at::timestamptz,
       updated_at = coalesce(s.updated_at, s.last_update, s.created_at)::timestamptz,
       label = CASE WHEN s.last_update IS NULL THEN i.label ELSE s.label END,
       purpose = CASE WHEN s.last_update IS NULL THEN i.purpose ELSE s.purpose END,
       notes = CASE WHEN s.last_update IS NULL THEN i.notes ELSE s.notes END,
       spawn_reason = s.spawn_reason,
       last_activity_at = coalesce(s.last_update::timestamptz, i.last_activity_at),
       tags = CASE WHEN pg_temp.wrong('', s.tags_json, 'array') IS NULL AND s.tags_json IS NOT NULL
                   THEN ARRAY(SELECT coalesce(e.tag, 'null')
                                FROM jsonb_array_elements_text(s.tags_json::jsonb) AS e (tag))
                   ELSE '{}' END,
       metadata = (i.metadata - 'beside'::text) || coalesce(s.metadata_json, '{}')::jsonb
                  || CASE WHEN s.beside IS NULL THEN '{}'
                          ELSE jsonb_build_object('beside', s.beside::jsonb) END
  FROM pg_temp.staged AS s
 WHERE s.reason IS NULL AND i.agent_id = s.agent_id;

-- merge --
-- Who is known here already keeps what it says of itself; what it does not say is filled in.
WITH told AS (
    SELECT s.agent_id, s.status, s.created_at::timestamptz AS created_at,
           s.last_update::timestamptz AS last_activity_at,
           coalesce(s.updated_at, s.last_update, s.created_at)::timestamptz AS updated_at,
           s.spawn_reason, s.notes, s.purpose, s.label,
           CASE WHEN pg_temp.wrong('', s.tags_json, 'array') IS NULL AND s.tags_json IS NOT NULL
                THEN ARRAY(SELECT coalesce(e.tag, 'null')
                             FROM jsonb_array_elements_text(s.tags_json::jsonb) AS e (tag))
                ELSE '{}' END AS tags,
           coalesce(s.metadata_json, '{}')::jsonb
           || CASE WHEN s.beside IS NULL THEN '{}'
                   ELSE jsonb_build_object('beside', s.beside::jsonb) END AS metadata
      FROM pg_temp.staged AS s
     WHERE s.reason IS NULL)
INSERT INTO core.identities AS i (
       agent_id, status, created_at, updated_at, label, purpose, notes, tags, metadata,
       last_activity_at, spawn_reason)
SELECT t.agent_id, t.status, t.created_at, t.updated_at, t.label, t.purpose, t.notes, t.tags,
       t.metadata, t.last_activity_at, t.spawn_reason
  FROM told AS t
 ORDER BY t.agent_id
ON CONFLICT (agent_id) DO UPDATE
   SET created_at = least(i.created_at, excluded.created_at),
       label = coalesce(i.label, excluded.label),
       purpose = coalesce(i.purpose, excluded.purpose),
       notes = coalesce(i.notes, excluded.notes),
       tags = CASE WHEN i.tags = '{}' THEN excluded.tags ELSE i.tags END,
       metadata = excluded.metadata || i.metadata,
       last_activity_at = coalesce(i.last_activity_at, excluded.last_activity_at),
       spawn_reason = coalesce(i.spawn_reason, excluded.spawn_reason)
 WHERE (i.created_at, i.label, i.purpose, i.notes, i.tags, i.metadata, i.last_activity_at,
        i.spawn_reason)
       IS DISTINCT FROM
       (least(i.created_at, excluded.created_at), coalesce(i.label, excluded.label),
        coalesce(i.purpose, excluded.purpose), coalesce(i.notes, excluded.notes),
        CASE WHEN i.tags = '{}' THEN excluded.tags ELSE i.tags END,
        excluded.metadata || i.metadata,
        coalesce(i.last_activity_at, excluded.last_activity_at),
        coalesce(i.spawn_reason, excluded.spawn_reason));
