"""What lives in anima.db on the Pi."""
