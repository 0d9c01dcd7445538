"""Agents on more than one Postgres server: who has them, who is asked, how they move."""
