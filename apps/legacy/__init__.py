"""The old stores, read once and brought over; the only place of the Mac that opens their SQLite."""
