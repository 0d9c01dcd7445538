"""What agents found out, in rows and in the graph that repeats them."""
