-- check --
-- One that was never alive, or whose agent is not known, opens nothing.
UPDATE pg_temp.staged AS s
   SET reason = CASE
       WHEN s.session_key IS NULL AND s.session_id IS NULL THEN 'its key is null'
       WHEN s.agent_id IS NULL THEN 'agent_id: is null'
       WHEN NOT EXISTS (SELECT FROM core.identities AS i WHERE i.agent_id = s.agent_id)
       THEN format('agent_id: agent %%L is not known', left(s.agent_id, 60))
       WHEN coalesce(s.bound_at, s.created_at) IS NULL THEN 'when it was bound is null'
       WHEN pg_temp.wrong('metadata_json', s.metadata_json, 'object') IS NOT NULL
       THEN pg_temp.wrong('metadata_json', s.metadata_json, 'object')
       WHEN s.metadata_json IS NOT NULL AND s.metadata_json::jsonb ? 'beside'
       THEN 'metadata_json: has a key beside of its own' END
 WHERE s.reason IS NULL;

-- merge --
-- By the SHA-256 of its key. One that says no end, or is not active, ended when it was last seen.
INSERT INTO core.sessions (session_id, identity_id, created_at, last_active, expires_at, metadata)
SELECT t.session_id, t.identity_id, t.created_at, t.last_active,
       CASE WHEN t.is_active THEN coalesce(t.expires_at, t.last_active) ELSE t.last_active END,
       t.metadata
  FROM (SELECT coalesce(s.session_key, s.session_id) AS session_id, i.identity_id,
               coalesce(s.bound_at, s.created_at)::timestamptz AS created_at,
               coalesce(s.updated_at, s.last_active, s.bound_at, s.created_at)::timestamptz
                   AS last_active,
               s.expires_at::timestamptz AS expires_at,
               coalesce(s.beside::jsonb->>'is_active', '0') NOT IN ('0', '') AS is_active,
               coalesce(s.metadata_json, '{}')::jsonb
               || CASE WHEN s.beside IS NULL THEN '{}'
                       ELSE jsonb_build_object('beside', s.beside::jsonb) END AS metadata
          FROM pg_temp.staged AS s
          JOIN core.identities AS i ON i.agent_id = s.agent_id
         WHERE s.reason IS NULL) AS t
 ORDER BY t.session_id
ON CONFLICT (session_id) DO NOTHING;
