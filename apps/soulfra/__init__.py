"""What runs for soulfra on the Mac: the log, what is decided, and what follows from it."""
