-- Takes back the audit trail with all its months. audit_log.jsonl keeps the raw lines.

DROP FUNCTION audit.partition_maintenance(timestamptz);
DROP TABLE audit.events;
DROP SCHEMA audit;
