"""What keeps a person's words from others: keys, seals, what is personal in a text, forgetting."""
