"""The guide's directory tree: JSON documents made from Postgres, and the archive."""
