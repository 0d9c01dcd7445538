"""The creature: it senses, draws, remembers and reports."""
