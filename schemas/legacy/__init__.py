"""What the old stores held, and where each piece of it goes."""
