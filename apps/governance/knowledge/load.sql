-- loaded_file --
SELECT f.sha256, f.form FROM core.discovery_files AS f WHERE f.file = %(file)s;

-- keep_file --
INSERT INTO core.discovery_files (file, sha256, form)
VALUES (%(file)s, %(sha256)s, %(form)s::jsonb);

-- hold_everything --
-- Nothing is stored or changed meanwhile; what is there can be read.
LOCK TABLE core.discoveries, core.discovery_tags, core.discovery_links
  IN SHARE ROW EXCLUSIVE MODE;

-- taken --
-- Those of the ids that are there.
SELECT d.discovery_id FROM core.discoveries AS d
 WHERE d.discovery_id = ANY(%(ids)s) ORDER BY 1;

-- copy_discoveries --
COPY core.discoveries (
     discovery_id, agent_id, type, severity, status, created_at, updated_at, resolved_at, summary,
     details, references_files, response_to, response_type, confidence, provenance,
     provenance_chain, metadata, superseded_by) FROM STDIN;

-- copy_tags --
COPY core.discovery_tags (discovery_id, tag, created_at) FROM STDIN;

-- copy_links --
COPY core.discovery_links (discovery_id, related_id, created_at) FROM STDIN;

-- as_told --
-- Discoveries as a file has them, the oldest first; all of them when no ids are given.
SELECT d.discovery_id AS id, d.agent_id, d.type, d.severity, d.status, d.created_at AS timestamp,
       d.updated_at, d.resolved_at, d.summary, d.details, d.references_files,
       CASE WHEN d.response_to IS NOT NULL
            THEN jsonb_build_object('discovery_id', d.response_to,
                                    'response_type', d.response_type) END AS response_to,
       d.confidence, d.provenance, d.provenance_chain, d.superseded_by,
       ARRAY(SELECT t.tag FROM core.discovery_tags AS t
              WHERE t.discovery_id = d.discovery_id) AS tags,
       ARRAY(SELECT l.related_id FROM core.discovery_links AS l
              WHERE l.discovery_id = d.discovery_id) AS related_to,
       d.metadata
  FROM core.discoveries AS d
 WHERE %(ids)s::text[] IS NULL OR d.discovery_id = ANY(%(ids)s)
 ORDER BY d.created_at, d.discovery_id;
