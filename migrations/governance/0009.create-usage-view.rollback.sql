-- Takes back the view; its rows are those of audit.tool_usage.

DROP VIEW core.tool_usage;
