"""The raw trails: chained lines in daily files, and how Postgres indexes them."""
