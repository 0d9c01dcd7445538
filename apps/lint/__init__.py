"""What no linter of others can see in our migrations and queries, and squawk for what it can."""
