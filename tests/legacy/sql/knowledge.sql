CREATE TABLE discoveries (
    id TEXT PRIMARY KEY, agent_id TEXT NOT NULL, type TEXT NOT NULL, severity TEXT,
    status TEXT NOT NULL DEFAULT 'open', created_at TEXT NOT NULL, updated_at TEXT,
    resolved_at TEXT, summary TEXT NOT NULL, details TEXT, related_files TEXT, confidence REAL,
    embedding BLOB
);
ALTER TABLE discoveries ADD COLUMN provenance TEXT;
ALTER TABLE discoveries ADD COLUMN provenance_chain TEXT;
CREATE TABLE discovery_tags (
    discovery_id TEXT REFERENCES discoveries (id) ON DELETE CASCADE, tag TEXT,
    PRIMARY KEY (discovery_id, tag)
);
CREATE TABLE discovery_edges (
    src_id TEXT, dst_id TEXT, edge_type TEXT, response_type TEXT, weight REAL DEFAULT 1,
    created_at TEXT NOT NULL, created_by TEXT, metadata TEXT, PRIMARY KEY (src_id, dst_id, edge_type)
);
CREATE VIRTUAL TABLE discoveries_fts USING fts5 (
    summary, details, content = 'discoveries', content_rowid = 'rowid'
);
CREATE TRIGGER discoveries_ai AFTER INSERT ON discoveries BEGIN
    INSERT INTO discoveries_fts (rowid, summary, details)
    VALUES (new.rowid, new.summary, new.details);
END;
CREATE TRIGGER discoveries_ad AFTER DELETE ON discoveries BEGIN
    INSERT INTO discoveries_fts (discoveries_fts, rowid, summary, details)
    VALUES ('delete', old.rowid, old.summary, old.details);
END;
CREATE TRIGGER discoveries_au AFTER UPDATE ON discoveries BEGIN
    INSERT INTO discoveries_fts (discoveries_fts, rowid, summary, details)
    VALUES ('delete', old.rowid, old.summary, old.details);
    INSERT INTO discoveries_fts (rowid, summary, details)
    VALUES (new.rowid, new.summary, new.details);
END;
CREATE TABLE rate_limits (agent_id TEXT, timestamp TEXT, PRIMARY KEY (agent_id, timestamp));
CREATE TABLE knowledge_schema_version (version INTEGER, applied_at TEXT);
