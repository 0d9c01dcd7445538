"""What an agent remembers: one SQLite file for each, sealed, bounded, copied when it reflects."""
