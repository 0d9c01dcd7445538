"""What is true: every number, row, message and host of the house. Imports nothing of ours."""
