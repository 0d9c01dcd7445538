"""What is true of soulfra: rows of the database ``soulfra``, and its words."""
