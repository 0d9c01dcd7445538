"""Check-ins a second, against pgbench on the same socket in the same run."""
