"""Finished pieces of the Pis in force: fetched once, shown on a sheet and a page."""
