"""What we wrote that runs. Imports schemas only."""
