"""The page at ``/``: what governance knows, for people. It reads and never changes anything."""
