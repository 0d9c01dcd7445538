"""The operator's command and what it reads."""
