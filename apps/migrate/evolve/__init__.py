"""A table of a Postgres line changed in five steps while everybody writes to it."""
