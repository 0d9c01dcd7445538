"""``abode verify``: one check-in followed through the running house, from the loop to the graph."""
