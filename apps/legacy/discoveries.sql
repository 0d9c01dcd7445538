-- not_here --
-- Agents that were refused themselves: what they found is refused with them.
SELECT a.agent
  FROM unnest(%(agents)s::text[]) AS a (agent)
 WHERE NOT EXISTS (SELECT FROM core.identities AS i WHERE i.agent_id = a.agent)
   AND EXISTS (SELECT FROM legacy.rejected AS r
                WHERE r.part = 'agent_metadata' AND r.old_key = a.agent);

-- make_known --
-- As the house does with who is only spoken of; born when first heard of.
INSERT INTO core.identities (agent_id, created_at, updated_at)
SELECT a.agent, min(a.at), min(a.at)
  FROM unnest(%(agents)s::text[], %(at)s::timestamptz[]) AS a (agent, at)
 GROUP BY a.agent
 ORDER BY a.agent
ON CONFLICT (agent_id) DO NOTHING;

-- another --
-- Ids that another discovery has already.
SELECT d.discovery_id
  FROM json_to_recordset(%(nodes)s::json) AS n (id text, agent_id text, "timestamp" timestamptz)
  JOIN core.discoveries AS d ON d.discovery_id = n.id
 WHERE (d.agent_id, d.created_at) <> (n.agent_id, n."timestamp");

-- renewed_by_another --
-- None: the old server says whose it is.
SELECT NULL::text WHERE %(nodes)s::json IS NULL;

-- renew --
-- As the old server has it now.
UPDATE core.discoveries AS d
   SET agent_id = t.agent_id, type = t.type, severity = t.severity, status = t.status,
       created_at = t.created_at, updated_at = t.updated_at, resolved_at = t.resolved_at,
       summary = t.summary, details = t.details, references_files = t.references_files,
       confidence = t.confidence, provenance = t.provenance,
       provenance_chain = t.provenance_chain,
       metadata = (d.metadata - 'beside'::text) || t.metadata
  FROM (SELECT n.id, n.agent_id, n.type, n.severity, n.status, n."timestamp" AS created_at,
               coalesce(n.updated_at, n."timestamp") AS updated_at, n.resolved_at, n.summary,
               coalesce(n.details, '') AS details, n.references_files, n.confidence, n.provenance,
               n.provenance_chain,
               CASE WHEN n.beside = '{}' THEN '{}'
                    ELSE jsonb_build_object('beside', n.beside) END AS metadata
          FROM json_to_recordset(%(nodes)s::json) AS n (
               id text, agent_id text, type text, severity text, status text,
               "timestamp" timestamptz, updated_at timestamptz, resolved_at timestamptz,
               summary text, details text, references_files text[], confidence float8,
               provenance jsonb, provenance_chain jsonb, beside jsonb)) AS t
 WHERE d.discovery_id = t.id;

-- take --
INSERT INTO core.discoveries (
       discovery_id, agent_id, type, severity, status, created_at, updated_at, resolved_at,
       summary, details, references_files, confidence, provenance, provenance_chain, metadata)
SELECT n.id, n.agent_id, n.type, n.severity, n.status, n."timestamp",
       coalesce(n.updated_at, n."timestamp"), n.resolved_at, n.summary, coalesce(n.details, ''),
       n.references_files, n.confidence, n.provenance, n.provenance_chain,
       CASE WHEN n.beside = '{}' THEN '{}' ELSE jsonb_build_object('beside', n.beside) END
  FROM json_to_recordset(%(nodes)s::json) AS n (
       id text, agent_id text, type text, severity text, status text, "timestamp" timestamptz,
       updated_at timestamptz, resolved_at timestamptz, summary text, details text,
       references_files text[], confidence float8, provenance jsonb, provenance_chain jsonb,
       beside jsonb)
ON CONFLICT (discovery_id) DO NOTHING;

-- take_tags --
INSERT INTO core.discovery_tags (discovery_id, tag, created_at)
SELECT DISTINCT n.id, t.tag, n."timestamp"
  FROM json_to_recordset(%(nodes)s::json) AS n (id text, "timestamp" timestamptz, tags text[])
 CROSS JOIN LATERAL unnest(n.tags) AS t (tag)
ON CONFLICT (discovery_id, tag) DO NOTHING;

-- stage_edges --
-- Links of a file, for the merge that rows go through, too.
INSERT INTO pg_temp.staged (row_key, src_id, dst_id, created_at, beside)
SELECT e.key, e.src, e.dst, e.at, e.beside
  FROM json_to_recordset(%(edges)s::json) AS e (key text, src text, dst text, at text, beside text);
