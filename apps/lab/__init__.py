"""Stand-ins for the Mac and the Pi: what ``make up`` does around the deploy."""
