"""Both sides answer the same questions, until their answers are the same for long enough."""
