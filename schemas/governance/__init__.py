"""What is true on the Mac: rows of the database ``governance`` and its Redis keys."""
