"""What the house has written since its cutover, back into the old files in their own shape."""
