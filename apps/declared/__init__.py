"""The declarations of schemas/ as SQL, as comments and as pages. Pure: it gives text."""
